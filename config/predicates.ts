import { parseAddress } from "./ipv4";

/**
 * Yes-or-no questions that settings, manifests and the policy pack all ask: asked here once, so that what a
 * component accepts and what a policy accepts cannot drift apart. Pure, and without any SDK.
 */

/** Longest validity of a server or client certificate, in days. */
export const MAX_LEAF_DAYS = 398;

/** Longest validity of the stack's own authority, in days. */
export const MAX_CA_DAYS = 7300;

const DIGEST_REFERENCE = /^[a-z0-9][A-Za-z0-9._/:-]*@sha256:[0-9a-f]{64}$/;
const CONTENT_ID = /^sha256:[0-9a-f]{64}$/;
const CONTENT_TAG = /^[a-z0-9][a-z0-9._/-]*:[0-9a-f]{12,64}$/;
const URL_WITH_PASSWORD = /:\/\/[^/\s]*:[^/\s]*@/;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Whether the text is an IPv4 address of this machine alone. */
export function isLoopback(text: string): boolean {
    return text.startsWith("127.") && parseAddress(text) !== undefined;
}

/** Whether the text is an image with its digest, `name@sha256:<64 hex digits>`. */
export function isDigestReference(text: string): boolean {
    return DIGEST_REFERENCE.test(text);
}

/** Whether the text is the content id of an image, `sha256:<64 hex digits>`. */
export function isContentId(text: string): boolean {
    return CONTENT_ID.test(text);
}

/** Whether the text can only ever mean one image: a digest or a content id. */
export function isPinnedImage(text: string): boolean {
    return isContentId(text) || isDigestReference(text);
}

/** Whether the text is the name of an image built here whose tag is a hash of its content. */
export function isContentTag(text: string): boolean {
    return CONTENT_TAG.test(text);
}

/** Whether the text is a URL with a password in it. */
export function holdsUrlPassword(text: string): boolean {
    return URL_WITH_PASSWORD.test(text);
}

/** Whether the text holds a private key in PEM form. */
export function holdsPrivateKey(text: string): boolean {
    return PRIVATE_KEY.test(text);
}
