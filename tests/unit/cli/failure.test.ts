import { engineFailure } from "../../../cli/engine/failure";

const URN =
    "urn:pulumi:dev::sutazai-mcp::mcp:mesh:Registrations$consul:index/service:Service::files-mcp-registration";
const OTHER = URN.replace("files-mcp", "http-mcp");

const down = (urn: string) => ({
    urn,
    message:
        "1 error occurred:\n\t* updating urn: cannot retrieve node 'x': " +
        'Get "http://127.0.0.1:10006/v1/catalog/node/x?dc=dc1": dial tcp 127.0.0.1:10006: connect: connection refused\n',
});

test("a Consul that is down is named, with what to do, once", () => {
    const { message, remedy } = engineFailure([down(URN), down(OTHER)]);
    expect(message).toBe(
        "files-mcp-registration: Consul at 127.0.0.1:10006 does not answer: registrations are not up to date",
    );
    expect(remedy).toContain("when Consul is back, run the command again");
});

test("a certificate of another authority is not taken for a Consul that is down", () => {
    const { message, remedy } = engineFailure([
        {
            urn: URN,
            message:
                'Get "https://consul:8501/v1/agent/self": tls: failed to verify certificate: x509: certificate signed by unknown authority',
        },
    ]);
    expect(message).toContain("Consul at consul:8501 is not who it should be: failed to verify");
    expect(remedy).toContain("pulumi config set consulCa");
});

test("a token that Consul refuses has its own remedy", () => {
    const { message, remedy } = engineFailure([
        { urn: URN, message: "Unexpected response code: 403 (ACL not found)" },
    ]);
    expect(message).toContain("Consul refuses the stack's token");
    expect(remedy).toContain("pulumi config set --secret consulToken");
});

test("different failures are all said, each once", () => {
    const { message } = engineFailure([
        { urn: OTHER, message: "no space left on device" },
        down(URN),
        { urn: URN, message: "no space left on device" },
    ]);
    expect(message.split("\n")).toEqual([
        "http-mcp-registration: the disk is full",
        expect.stringContaining("files-mcp-registration: Consul at 127.0.0.1:10006"),
    ]);
});

test("what nobody knows is shown as the engine says it", () => {
    const { message, remedy } = engineFailure([{ urn: URN, message: "error: odd\nodder" }]);
    expect(message).toBe("files-mcp-registration: odd\nodder");
    expect(remedy).toContain("./mcp doctor");
});
