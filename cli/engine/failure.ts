import { CliError } from "../errors";

/** Failures people meet, by what the engine or a daemon says, with the next thing to do. */
const KNOWN: readonly {
    readonly pattern: RegExp;
    readonly what: (match: RegExpMatchArray) => string;
    readonly remedy: string;
}[] = [
    {
        pattern: /incorrect passphrase/i,
        what: () => "wrong passphrase for this stack's secrets",
        remedy: "put the passphrase the stack was made with into .mcp/passphrase, or set PULUMI_CONFIG_PASSPHRASE_FILE",
    },
    {
        pattern: /the stack is currently locked by (\d+) lock/i,
        what: () => "the stack is locked: another run is under way, or one was killed",
        remedy: "wait for the other run; if there is none: ./mcp repair",
    },
    {
        pattern: /Bind for ([\d.]+):(\d+) failed: port is already allocated/i,
        what: (match) => `port ${match[2] ?? ""} on ${match[1] ?? ""} is already taken`,
        remedy: "stop what listens there, or set another portOffset; then run ./mcp up again",
    },
    {
        pattern: /listen tcp4? ([\d.]+):(\d+): bind: address already in use/i,
        what: (match) => `port ${match[2] ?? ""} on ${match[1] ?? ""} is already taken`,
        remedy: "stop what listens there, or set another portOffset; then run ./mcp up again",
    },
    {
        pattern: /Pool overlaps with other one on this address space/i,
        what: () => "a subnet of the stack is taken by another Docker network",
        remedy: "see docker network ls; remove that network, or set mainSubnet / internalSubnet to a free range",
    },
    {
        pattern: /"https?:\/\/([^/"]+)\/v1\/[^"]*": (?:x509|tls): ([^\n]+)/i,
        what: (match) => `Consul at ${match[1] ?? ""} is not who it should be: ${match[2] ?? ""}`,
        remedy: "set the CA of its certificate: pulumi config set consulCa < ca.pem; then run ./mcp up again",
    },
    {
        pattern: /"https?:\/\/([^/"]+)\/v1\//i,
        what: (match) =>
            `Consul at ${match[1] ?? ""} does not answer: registrations are not up to date`,
        remedy: "everything else is as it should be; when Consul is back, run the command again",
    },
    {
        pattern: /Unexpected response code: 403/i,
        what: () =>
            "Consul refuses the stack's token (expired, revoked, or without the rules it needs)",
        remedy: "own Consul: run ./mcp up again, which restores it; external: pulumi config set --secret consulToken <token>",
    },
    {
        pattern: /failed to connect to any docker daemon/i,
        what: () => "a Docker daemon does not answer: the host's, or the inner one",
        remedy: "run ./mcp doctor, then ./mcp up, which restores a lost orchestrator",
    },
    {
        pattern: /The container name "?\/?([^" ]+)"? is already in use/i,
        what: (match) =>
            `a container named ${match[1] ?? ""} exists and is not in this stack's state`,
        remedy: "./mcp repair removes strays of this stack; a foreign container has to go by hand",
    },
    {
        pattern: /No such image: (\S+)/i,
        what: (match) => `image ${match[1] ?? ""} is not on this machine any more`,
        remedy: "run ./mcp up again, which builds or pulls it",
    },
    {
        pattern: /no space left on device/i,
        what: () => "the disk is full",
        remedy: "free some space (docker system df shows what Docker holds), then run ./mcp up again",
    },
    {
        pattern:
            /(manifest unknown|pull access denied|failed to resolve reference|error pulling image)/i,
        what: () => "an image cannot be pulled",
        remedy: "check the network, or use images built here: pulumi config set imageSource local",
    },
    {
        pattern: /container failed to be in healthy state|unhealthy/i,
        what: () => "a container did not become healthy in time",
        remedy: "look at its log: ./mcp logs <server>; then run ./mcp up again",
    },
];

/** Noise around the sentence that matters in a diagnostic. */
function sentence(message: string): string {
    return message
        .replace(/\u001b\[[0-9;]*m|<\{%[^%]*%\}>/g, "")
        .split("\n")
        .map((line) =>
            line
                .replace(/^\s*(error:|\*)\s*/i, "")
                .replace(/\s*sdk-v2\/\S+ sdk\.helper_schema:\s*/, "")
                .trim(),
        )
        .filter(
            (line) =>
                line !== "" &&
                !/^\d+ errors? occurred:$|^update failed$|^preview failed$|^Running program/.test(
                    line,
                ),
        )
        .map((line) => line.replace(/: provider=\S+$/, ""))
        .filter((line, index, all) => all.indexOf(line) === index)
        .join("\n");
}

/** An engine's failure as one error: a known one in our words, any other in its own, shortened. */
export function engineFailure(
    diagnostics: readonly { readonly urn?: string; readonly message: string }[],
): CliError {
    const lines = diagnostics.flatMap(({ urn, message }) => {
        const text = sentence(message);
        if (text === "") return [];
        const resource = urn?.split("::").at(-1);
        return [
            {
                resource:
                    resource === undefined || urn?.includes("pulumi:pulumi:Stack")
                        ? ""
                        : `${resource}: `,
                text,
            },
        ];
    });
    // More than one thing can fail: what is known of each, once, and the first one's remedy.
    const known = lines.flatMap((line) =>
        KNOWN.flatMap(({ pattern, what, remedy }) => {
            const match = pattern.exec(line.text);
            return match ? [{ text: what(match), where: line.resource, remedy }] : [];
        }).slice(0, 1),
    );
    const [first] = known;
    if (first) {
        const once = known.filter(
            ({ text }, index) => known.findIndex((other) => other.text === text) === index,
        );
        return new CliError(
            once.map(({ where, text }) => `${where}${text}`).join("\n"),
            first.remedy,
        );
    }
    const text = lines.map((line) => `${line.resource}${line.text}`).join("\n");
    return new CliError(
        text || "the engine failed without saying why",
        "run ./mcp doctor; then run the command again",
    );
}
