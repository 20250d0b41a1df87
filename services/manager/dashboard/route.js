/** The part of the address after `#`: `#/servers/NAME` shows one server. */

/**
 * @returns {string | undefined} name of the server in the address
 */
export function selectedServer() {
    const [, name] = /^#\/servers\/([^/]+)$/.exec(location.hash) ?? [];
    if (name === undefined) return undefined;
    try {
        return decodeURIComponent(name);
    } catch {
        return undefined; // Broken percent encoding names no server.
    }
}

/**
 * @param {string} name
 */
export function serverAddress(name) {
    return `#/servers/${encodeURIComponent(name)}`;
}

/** Back to the list, with a history entry, so that "back" opens the server again. */
export function leaveServer() {
    if (selectedServer() !== undefined) location.hash = "#/";
}
