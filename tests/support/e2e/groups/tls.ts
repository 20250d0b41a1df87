import type https from "node:https";

import { clientOfOtherCa, subjectOf, type KeyPair } from "../../certificates";
import { ask, knock } from "../http";
import type { TestStack } from "../stack";

/** The inner daemon answers whoever has a certificate of the stack's CA, and nobody else. */
export function tlsTests(stack: TestStack): void {
    const port = stack.port(12376);
    const api = `https://127.0.0.1:${port}/version`;
    const pem = (file: string): Promise<string> => stack.run("cat", `/certs/${file}`);

    /** A request that checks the server's certificate, with this client certificate or none. */
    const version = async (client?: KeyPair, more: https.RequestOptions = {}) =>
        ask(api, { tls: { ca: await pem("client/ca.pem"), ...client, ...more } });
    const own = async (): Promise<KeyPair> => ({
        cert: await pem("client/cert.pem"),
        key: await pem("client/key.pem"),
    });

    describe("the inner daemon's API", () => {
        test("answers a client with a certificate of the stack's CA", async () => {
            const { status, body } = await version(await own());
            expect(status).toBe(200);
            expect(JSON.parse(body)).toMatchObject({ Os: "linux" });
        });

        test("shows a certificate for this address and for the orchestrator's names", async () => {
            for (const servername of ["localhost", stack.orchestrator]) {
                expect(await version(await own(), { servername })).toMatchObject({ status: 200 });
            }
            await expect(version(await own(), { servername: "evil.example" })).rejects.toThrow(
                /altnames|does not match/i,
            );
        });

        test("refuses a client without a certificate", async () => {
            await expect(version()).rejects.toThrow(/certificate required|ECONNRESET|hang up/i);
        });

        test("refuses a certificate of another CA of the same name", async () => {
            const other = await clientOfOtherCa(subjectOf(await pem("client/ca.pem")));
            await expect(version(other)).rejects.toThrow(
                /unknown ca|bad certificate|decrypt error|ECONNRESET/i,
            );
        });

        test("refuses the server's own certificate as a client's", async () => {
            const server = { cert: await pem("server/cert.pem"), key: await pem("server/key.pem") };
            await expect(version(server)).rejects.toThrow(
                /bad certificate|unsupported certificate|ECONNRESET/i,
            );
        });

        test("refuses TLS older than 1.2", async () => {
            const maxVersion = "TLSv1.1" as const;
            const old = { minVersion: maxVersion, maxVersion, ciphers: "DEFAULT:@SECLEVEL=0" };
            await expect(version(await own(), old)).rejects.toThrow(/alert protocol version/);
        });

        test("does not speak plain HTTP", async () => {
            const { status, body } = await ask(`http://127.0.0.1:${port}/version`);
            expect(status).toBe(400);
            expect(body).not.toMatch(/ApiVersion/);
        });

        test("has no port without TLS, on the host or on the stack's networks", async () => {
            expect(await knock("127.0.0.1", stack.port(12375))).toBe("ECONNREFUSED");
            expect(await knock(stack.main(2), 2375)).toBe("ECONNREFUSED");
            expect(await knock(stack.internal(2), 2375)).toBe("ECONNREFUSED");
        });

        test("keeps the CA's key out of the container", async () => {
            const files = await stack.run("find", "/certs", "-type", "f");
            expect(files.trim().split("\n").sort()).toEqual([
                "/certs/ca/cert.pem",
                "/certs/client/ca.pem",
                "/certs/client/cert.pem",
                "/certs/client/key.pem",
                "/certs/server/ca.pem",
                "/certs/server/cert.pem",
                "/certs/server/key.pem",
            ]);
            const modes = await stack.run(
                ...["stat", "-c", "%a %u", "/certs/client/key.pem", "/certs/server/key.pem"],
            );
            // The manager runs as 1001 and shows this certificate.
            expect(modes.trim().split("\n")).toEqual(["400 1001", "400 0"]);
        });
    });
}
