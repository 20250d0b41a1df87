/** Asks a Streamable HTTP server for its tools, as a client would. */
function toolsListTest(port: number, path: string): readonly string[] {
    const request = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    return [
        "CMD-SHELL",
        `curl -fsS -m 5 -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' ` +
            `-d '${request}' http://127.0.0.1:${String(port)}${path} | grep -q '"tools":\\['`,
    ];
}

/**
 * The health check of a server: always an answer to a real `tools/list`, never that a process exists. Behind the
 * bridge /healthz asks the child; a native server is asked directly.
 */
export function healthTest(server: {
    readonly source:
        { readonly kind: "build"; readonly image: string } | { readonly kind: "image" };
    readonly transport: { readonly path: string; readonly containerPort: number };
}): readonly string[] {
    const { containerPort, path: urlPath } = server.transport;
    if (server.source.kind === "build" && server.source.image === "bridge") {
        return [
            "CMD",
            "curl",
            "-fsS",
            "-m",
            "5",
            `http://127.0.0.1:${String(containerPort)}/healthz`,
        ];
    }
    return toolsListTest(containerPort, urlPath);
}
