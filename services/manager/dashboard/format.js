/** Numbers and times as words. "—" stands for what is not known, which is never the same as zero. */

export const UNKNOWN = "—";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const EXACT_CLOCK = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
});
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const INTEGER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/**
 * @param {number} value
 */
export function integer(value) {
    return INTEGER.format(value);
}

/**
 * @param {number} bytes
 * @returns {string} in MiB, from 1 GiB on in GiB
 */
export function bytes(bytes) {
    return bytes >= GIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${integer(bytes / MIB)} MiB`;
}

/**
 * @param {number} seconds
 * @returns {string} in its two largest units, like `3 d 4 h`
 */
export function duration(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < MINUTE) return `${whole} s`;
    if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
    if (whole < DAY) {
        return `${Math.floor(whole / HOUR)} h ${Math.floor((whole % HOUR) / MINUTE)} min`;
    }
    return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`;
}

/**
 * @param {string | undefined} moment ISO 8601
 * @param {number} [now] milliseconds since 1970
 * @returns {number | undefined} seconds since then
 */
export function secondsSince(moment, now = Date.now()) {
    const then = moment === undefined ? NaN : Date.parse(moment);
    return Number.isNaN(then) ? undefined : (now - then) / 1000;
}

/**
 * @param {string} moment ISO 8601
 * @returns {number} whole days until then, negative when it has passed
 */
export function daysUntil(moment) {
    return Math.floor((Date.parse(moment) - Date.now()) / (DAY * 1000));
}

/**
 * @param {string | number} moment ISO 8601, or milliseconds since 1970
 * @returns {string} local time of day
 */
export function clock(moment) {
    const date = new Date(moment);
    return Number.isNaN(date.getTime()) ? UNKNOWN : CLOCK.format(date);
}

/**
 * @param {string} moment ISO 8601
 * @returns {string} local time of day, to the millisecond
 */
export function exactClock(moment) {
    const date = new Date(moment);
    return Number.isNaN(date.getTime()) ? UNKNOWN : EXACT_CLOCK.format(date);
}

/**
 * @param {string} moment ISO 8601
 * @returns {string} local date and time
 */
export function dateAndTime(moment) {
    const date = new Date(moment);
    return Number.isNaN(date.getTime()) ? UNKNOWN : MOMENT.format(date);
}

/**
 * @param {number} count
 * @param {string} noun singular
 */
export function counted(count, noun) {
    return `${integer(count)} ${noun}${count === 1 ? "" : "s"}`;
}
