// An amount as the database prints it (`1200.0000`), with at least its currency's digits: `1200.00`.

const NONE = new Set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "));
const THREE = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));
const ZERO = 48;

export function money(amount, currency) {
  if (amount === null) return null;
  const digits = NONE.has(currency) ? 0 : THREE.has(currency) ? 3 : 2;
  const point = amount.indexOf(".");
  let end = amount.length;
  while (end > point + 1 + digits && amount.charCodeAt(end - 1) === ZERO) end--;
  if (end === point + 1) end = point;
  return { amount: amount.slice(0, end), currency };
}
