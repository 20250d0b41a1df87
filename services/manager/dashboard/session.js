/**
 * The token of this tab. sessionStorage ends with the tab and is never sent along by the browser, unlike a cookie; the
 * token is in no address, so it is in no history and no server log.
 */
const KEY = "mcp-manager-token";

/**
 * @returns {string | undefined} the token this tab logged in with
 */
export function savedToken() {
    return sessionStorage.getItem(KEY) ?? undefined;
}

/**
 * @param {string | undefined} token undefined forgets it
 */
export function saveToken(token) {
    if (token === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
}
