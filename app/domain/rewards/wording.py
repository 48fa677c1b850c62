"""A decision's trace in words: why it pays nothing, or less."""

from collections.abc import Mapping
from typing import Any

from app.tables.rewards import RewardOutcome


def reasons(trace: Mapping[str, Any]) -> list[str]:
    """Why it pays nothing or less, from a trace, in words."""
    if trace.get("never"):
        return [f"The campaign never pays: {trace['never']}."]
    if trace.get("closed"):
        return [f"The campaign pays nothing for it: {trace['closed']}."]
    texts: list[str] = []
    for flow in trace.get("flows", ()):
        name = f"flow_{flow['flow']}"
        if "passedOver" in flow:
            texts.append(f"{name} is passed over: {flow['passedOver']}.")
        elif not flow["holds"]:
            texts += [_unmet(name, one) for one in flow["conditions"] if not one["holds"]]
        elif not any(action["rounded"] for action in flow["actions"]):
            texts.append(f"{name} holds, and pays nothing.")
    texts += [
        f"The limit on {one['of']} is {one['limit']}; so far {one['soFar']}, this one adds {one['thisOne']}."
        for one in trace.get("limits", ())
        if one["reached"]
    ]
    texts += [_short(one) for one in trace.get("balances", ()) if "adds" in one or one["has"] < one["takes"]]
    if trace["outcome"] == RewardOutcome.PAID:
        return []
    return texts


def _unmet(flow: str, one: Mapping[str, Any]) -> str:
    if "why" in one:
        return f"{flow}: cond_{one['condition']} is not met, since {one['why']}."
    value = "missing" if one["value"] is None else one["value"]
    expected = "" if one["operator"] == "exists" else f" {one['expected']}"
    return (
        f"{flow}: cond_{one['condition']} asks for {one['input']} {one['operator']}{expected}; it is {value}."
    )


def _short(one: Mapping[str, Any]) -> str:
    has = f"The customer has {one['has']} with part_{one['partner']}"
    if "takes" in one:
        return f"{has}; it takes {one['takes']}."
    return f"{has}; it adds {one['adds']}, and a balance holds {one['most']} at most."
