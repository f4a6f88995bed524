// @ts-check
// JSON as it was written: a number that JavaScript would write in another way stays as it is.

/** @typedef {JSON & {rawJSON?: (text: string) => object, isRawJSON?: (value: unknown) => boolean}} ExactJSON */

// A number that may not be as JavaScript writes it: with a point, an exponent, or more digits than are exact.
const UNUSUAL = /[:,[]\s*-?(?:\d{16}|\d+[.eE])/;
const { rawJSON, isRawJSON } = /** @type {ExactJSON} */ (JSON); // missing in older browsers

/**
 * Return a value of JSON; undefined if there is none, or it is no JSON.
 * @param {string | null | undefined} text
 * @returns {any}
 */
export function parse(text) {
  if (text === null || text === undefined) return undefined;
  try {
    return JSON.parse(text, /** @type {any} */ (rawJSON && UNUSUAL.test(text) ? exact : undefined));
  } catch (error) {
    return error instanceof RangeError ? parseRounded(text) : undefined; // it is nested too deeply to be walked
  }
}

/** @param {string} text */
function parseRounded(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {string} key
 * @param {any} value
 * @param {{source?: string}} [context]
 */
function exact(key, value, context) {
  const isRounded = typeof value === "number" && context?.source !== undefined && String(value) !== context.source;
  return isRounded ? rawJSON?.(/** @type {string} */ (context?.source)) : value;
}

/**
 * Whether a value has members.
 * @param {any} value
 */
export function isContainer(value) {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === "object" && value !== null && !isRawJSON?.(value) && Object.keys(value).length > 0;
}

/**
 * Return what a value that has no members is called in JSON.
 * @param {any} value
 */
export function kindOf(value) {
  if (value === null) return "null";
  return isRawJSON?.(value) ? "number" : typeof value;
}

/**
 * Return JSON of a value; undefined if it is nested too deeply.
 * @param {any} value
 */
export function write(value) {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
