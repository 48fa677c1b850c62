"""The rules that hold for everybody, after a group's own. Their order matters; docs/channels.md lists them.

A click id that a platform adds only to its ads says more than any tag. `fbclid` is added to every link out of
Facebook and Instagram, so it says nothing of whether it was an ad: only a medium does, or the campaign's channels.
"""

from app.domain.interactions.channels import Rule

PAID = (
    "cpc|ppc|cpm|cpv|cpa|cpl|paid*|sem|ad|ads|retargeting|remarketing|display|banner|social_paid|social-paid"
)
GOOGLE = "google*|adwords|youtube*"
META = "facebook*|fb|fb_*|fb-*|instagram*|ig|meta|messenger|threads*"
SOCIAL_TAGS = (
    "facebook*|fb|instagram*|ig|meta|messenger|threads*|tiktok*|linkedin*|twitter*|x|t.co|pinterest*|snapchat*"
    "|reddit*"
)
META_ADS = "meta_ads|meta-ads|metaads|facebook_ads|facebook-ads|facebookads|fb_ads|fb-ads|instagram_ads"
SEARCH_HOSTS = (
    "google.*|bing.com|duckduckgo.com|yahoo.*|ecosia.org|qwant.com|yandex.*|baidu.com|startpage.com|search.brave.com"
    "|naver.com|seznam.cz|com.google.android.googlequicksearchbox"
)
SOCIAL_HOSTS = (
    "facebook.com|fb.com|messenger.com|instagram.com|threads.net|tiktok.com|linkedin.com|lnkd.in|twitter.com|x.com|t.co"
    "|pinterest.*|pin.it|snapchat.com|reddit.com|youtube.com|youtu.be|mastodon.social|bsky.app|vk.com"
    "|com.facebook.katana|com.instagram.android|com.linkedin.android"
)
MAIL_HOSTS = (
    "mail.google.com|com.google.android.gm|mail.yahoo.*|outlook.live.com|outlook.office.com|outlook.office365.com"
    "|webmail.*|mail.*"
)

BUILT_IN: tuple[Rule, ...] = (
    # Click ids of ads.
    Rule("google_ads", click_id="gclid|gbraid|wbraid|dclid|gad_source"),
    Rule("microsoft_ads", click_id="msclkid"),
    Rule("tiktok_ads", click_id="ttclid"),
    Rule("x_ads", click_id="twclid"),
    Rule("linkedin_ads", click_id="li_fat_id"),
    Rule("pinterest_ads", click_id="epik"),
    Rule("snapchat_ads", click_id="sccid"),
    Rule("reddit_ads", click_id="rdt_cid"),
    Rule("yandex_ads", click_id="yclid"),
    Rule("criteo", click_id="cto_pld"),
    Rule("affiliate", click_id="irclickid|awc"),
    # Sources that are ads whatever the medium.
    Rule("google_ads", source="google_ads|google-ads|googleads|adwords"),
    Rule("meta_ads", source=META_ADS),
    Rule("microsoft_ads", source="microsoft_ads|microsoft-ads|bing_ads|bing-ads|bingads"),
    Rule("tiktok_ads", source="tiktok_ads|tiktok-ads|tiktokads"),
    Rule("linkedin_ads", source="linkedin_ads|linkedin-ads"),
    Rule("criteo", source="criteo*"),
    # Sources that are ads where the medium is paid.
    Rule("google_ads", source=GOOGLE, medium=PAID),
    Rule("meta_ads", source=META, medium=PAID),
    Rule("microsoft_ads", source="bing*|microsoft*|msn*", medium=PAID),
    Rule("tiktok_ads", source="tiktok*", medium=PAID),
    Rule("linkedin_ads", source="linkedin*", medium=PAID),
    Rule("x_ads", source="twitter*|x|t.co", medium=PAID),
    Rule("pinterest_ads", source="pinterest*", medium=PAID),
    Rule("snapchat_ads", source="snapchat*", medium=PAID),
    Rule("reddit_ads", source="reddit*", medium=PAID),
    Rule("yandex_ads", source="yandex*", medium=PAID),
    Rule("meta_ads", click_id="fbclid", medium=PAID),
    # Media.
    Rule("email", medium="email|e-mail|e_mail|mail|mailing|emailing|newsletter*"),
    Rule("sms", medium="sms|mms|text|text-message"),
    Rule("whatsapp", medium="whatsapp"),
    Rule("push", medium="push*|web-push|web_push|webpush|app-push|app_push|mobile-push|notification*"),
    Rule("affiliate", medium="affiliate*|affiliation"),
    Rule("paid_social", medium="paid_social|paid-social|paidsocial|social_paid|social-paid"),
    Rule("paid_search", medium="cpc|ppc|sem|paid_search|paid-search|paidsearch"),
    Rule("display", medium="display|banner|cpm|retargeting|remarketing"),
    Rule("organic_search", medium="organic|seo"),
    Rule("organic_social", medium="social*|sm|organic_social|organic-social|organicsocial"),
    Rule("print", medium="print|flyer|leaflet|poster"),
    Rule("referral", medium="referral|partner"),
    # Sources of which the medium says nothing.
    Rule("email", source="email|e-mail|newsletter*|mailchimp|klaviyo|brevo|sendinblue|mailjet|sendgrid"),
    Rule("sms", source="sms|twilio"),
    Rule("whatsapp", source="whatsapp"),
    Rule("push", source="push|onesignal"),
    # Nobody tags what a search engine finds by itself.
    Rule("google_ads", source="google"),
    Rule("microsoft_ads", source="bing"),
    Rule("organic_social", source=SOCIAL_TAGS),
    Rule("email", click_id="mc_eid|mc_cid|_kx"),
    Rule("organic_social", click_id="fbclid"),
    # Only where the campaign has the channel: those above fit as well, and come first.
    Rule("meta_ads", source=META),
    Rule("meta_ads", click_id="fbclid"),
    Rule("tiktok_ads", source="tiktok*"),
    Rule("linkedin_ads", source="linkedin*"),
    Rule("x_ads", source="twitter*|x|t.co"),
    Rule("pinterest_ads", source="pinterest*"),
    Rule("snapchat_ads", source="snapchat*"),
    # Tags that nothing above knows.
    Rule("other", source="*"),
    Rule("other", medium="*"),
    Rule("other", campaign="*"),
    # Where they came from, of links without a tag.
    Rule("email", referrer=MAIL_HOSTS),
    Rule("organic_search", referrer=SEARCH_HOSTS),
    Rule("organic_social", referrer=SOCIAL_HOSTS),
)  # fmt: skip
