/**
 * Ways out of a container that Docker-in-Docker images are known to carry, by the version their tag states. From the
 * release notes of Docker Engine; a tag that states no full version says nothing, and is judged as pinned or not.
 */
const ESCAPES = [
    {
        fixed: [25, 0, 2],
        text: "CVE-2024-21626 in runc before 1.1.12, fixed in docker:25.0.2-dind",
    },
    {
        // Docker 28.5.2 and all of 29 carry runc 1.3.3.
        fixed: [28, 5, 2],
        text: "CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881 in runc before 1.3.3, fixed in docker:28.5.2-dind",
    },
] as const;

/** The escapes of a Docker-in-Docker image, as a sentence without the reference; nothing when none is known. */
export function knownEscapes(reference: string): string | undefined {
    const [name = ""] = reference.split("@");
    const match = /(?:^|\/)docker:v?([0-9]+)\.([0-9]+)\.([0-9]+)(?:-[a-z0-9.-]*)?$/.exec(name);
    if (match === null) return undefined;
    const version = match.slice(1).map(Number);
    const open = ESCAPES.filter(({ fixed }) => before(version, fixed)).map(({ text }) => text);
    return open.length === 0 ? undefined : `carries ${open.join("; ")}`;
}

function before(version: readonly number[], fixed: readonly number[]): boolean {
    const at = fixed.findIndex((part, index) => version[index] !== part);
    return at >= 0 && (version[at] ?? 0) < (fixed[at] ?? 0);
}
