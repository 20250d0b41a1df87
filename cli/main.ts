import { Argument, Command, Option } from "commander";
import pc from "picocolors";

import type { PreviewOptions } from "./commands/preview";
import { CliError, messageOf } from "./errors";
import "./environment";
import { DEFAULT_STACK } from "./project";
import { openSession, type GlobalOptions, type Session } from "./session";

const EXAMPLES = `
Examples:
  ./mcp up                          bring the stack up, from nothing or from whatever is there
  ./mcp status --json               the same as people read, for programs
  ./mcp deploy files-mcp            apply one changed manifest
  ./mcp logs http-mcp --follow
  ./mcp discover postgres-mcp       where a consumer finds it, if it is healthy
  ./mcp connect claude-code         write the endpoints into a client's own file
  ./mcp up --stack second           a second stack beside the first
  ./mcp down                        remove everything`;

/** Commands are loaded when they are called: help and completion stay fast. */
function program(): Command {
    const root = new Command("mcp")
        .description(
            "Run MCP servers for many AI clients in a Docker-in-Docker orchestrator on a machine you own.",
        )
        .version("0.1.0")
        .option("-s, --stack <name>", "stack to work on", process.env.MCP_STACK ?? DEFAULT_STACK)
        .option("--json", "print the result as JSON on standard output")
        .addHelpText("after", EXAMPLES)
        .showHelpAfterError("(./mcp --help shows the commands)");
    const engine = (): Option =>
        new Option("--engine <engine>", "what brings the stack up")
            .choices(["auto", "pulumi", "rehearse"])
            .default("auto");

    command(
        root,
        "up",
        "bring the stack up; ends with every endpoint checked",
        async (session, options) =>
            (await import("./commands/up")).up(session, options as { engine: "auto" }),
    )
        .addOption(engine())
        .option("--policy", "refuse what the policy pack refuses");
    command(root, "down", "remove everything of the stack", async (session, options) =>
        (await import("./commands/down")).down(session, options as { images?: boolean }),
    ).option("--images", "remove the images built on this machine as well");
    command(root, "preview", "show what up would change", async (session, options) =>
        (await import("./commands/preview")).preview(session, options as unknown as PreviewOptions),
    )
        .addOption(engine())
        .addOption(
            new Option("-f, --format <format>", "what to print")
                .choices(["text", "markdown"])
                .default("text"),
        )
        .option("--base <ref>", "compare the program with that of another commit, without engine")
        .option("--policy", "run the policy pack as well (markdown always does)")
        .option("--refresh", "read what runs first")
        .option("--expect-no-changes", "fail when there is anything to change");
    command(
        root,
        "status",
        "show containers, servers, endpoints and certificates",
        async (session) => (await import("./commands/status")).status(session),
    );
    command(root, "list", "list the servers, by manifest and as they run", async (session) =>
        (await import("./commands/list")).list(session),
    );
    command(
        root,
        "discover [service]",
        "show what a consumer finds in Consul: healthy servers alone",
        async (session, options, service) =>
            (await import("./commands/discover")).discover(session, service, options),
    ).option("-a, --all", "those that are not healthy as well, with the reason");
    command(root, "logs <server>", "show what a server wrote", async (session, options, server) =>
        (await import("./commands/logs")).logs(session, server ?? "", options as { tail: string }),
    )
        .option("-n, --tail <lines>", "lines from the end, or all", "100")
        .option("-f, --follow", "go on as lines come")
        .option("--since <time>", "from then on, such as 10m or 2026-01-31T12:00:00Z");
    command(
        root,
        "restart <server>",
        "restart one server and wait until it answers",
        async (session, _options, server) =>
            (await import("./commands/restart")).restart(session, server ?? ""),
    );
    command(
        root,
        "cleanup",
        "list what nobody of the stack has made inside the orchestrator",
        async (session, options) => (await import("./commands/cleanup")).cleanup(session, options),
    ).option("-y, --yes", "remove it");
    command(
        root,
        "adopt <server>",
        "write the manifest of a server that was made through the manager's API",
        async (session, _options, server) =>
            (await import("./commands/adopt")).adopt(session, server ?? ""),
    );
    command(
        root,
        "ca",
        "print the stack's own authority, for clients of an edge with edgeTls own",
        async (session) => (await import("./commands/ca")).ca(session),
    );
    root.command("token")
        .description("print the manager's token, for the dashboard and for programs")
        .addArgument(
            new Argument("[role]", "what it may do").choices(["read", "operate"]).default("read"),
        )
        .action(async (role: "read" | "operate") =>
            (await import("./commands/token")).token(openSession(root.opts<GlobalOptions>()), role),
        );
    const client = root
        .command("client")
        .description("clients of the gateway: list them, print or rotate a token");
    command(client, "list", "list the clients and what each may see", async (session) => {
        (await import("./commands/client")).listClients(session);
    });
    command(
        client,
        "token <name>",
        "print a client's token, for its environment",
        async (session, _options, name) =>
            (await import("./commands/client")).showClientToken(session, name ?? ""),
    );
    command(
        client,
        "rotate <name>",
        "give a client a new token and deploy it; the old one ends",
        async (session, _options, name) =>
            (await import("./commands/client")).rotateClient(session, name ?? ""),
    );
    command(
        root,
        "connect <client>",
        "write the endpoints into an AI client's own configuration file",
        async (session, options, client) => {
            const { connect, publishedEndpoints } = await import("./commands/connect");
            await connect(session, client ?? "", options, publishedEndpoints(session));
        },
    )
        .addOption(
            new Option(
                "--scope <scope>",
                "whose file (default: the project's where there is one)",
            ).choices(["project", "user"]),
        )
        .option("--all-servers", "the single endpoint (default where there is one)")
        .option("--no-all-servers", "one entry a server")
        .option("--print", "show the file, write nothing")
        .option("--remove", "take the entries out")
        .option("--check", "connect as the client would")
        .option("--write-token", "write the token itself where the client takes no reference");
    command(
        root,
        "deploy [server]",
        "apply manifests: one server's, or all",
        async (session, _options, server) =>
            (await import("./commands/deploy")).deploy(session, server),
    );
    command(
        root,
        "rotate",
        "issue new certificates; the orchestrator restarts once",
        async (session) => (await import("./commands/rotate")).rotate(session),
    );
    command(root, "repair", "put right what a killed run left, then up", async (session, options) =>
        (await import("./commands/repair")).repair(session, options as { up: boolean }),
    ).option("--no-up", "do not run up afterwards");
    command(
        root,
        "build",
        "build every image on this machine, without a registry",
        async (session) => (await import("./commands/build")).build(session),
    );
    command(
        root,
        "check",
        "check the program against the policies, without engine or Docker",
        async (session, options) =>
            (await import("./commands/check")).check(session, options as { format: "text" }),
    )
        .addOption(
            new Option("-f, --format <format>", "what to print")
                .choices(["text", "json", "sarif", "junit"])
                .default("text"),
        )
        .option("--policy-config <file>", "settings of the rules, as for --policy-pack-config");
    command(root, "doctor", "check everything up depends on", async (session) =>
        (await import("./commands/doctor")).doctor(session),
    );
    command(root, "env", 'print what plain pulumi needs: eval "$(./mcp env)"', async (session) =>
        (await import("./commands/env")).env(session),
    );
    command(root, "test", "run every test this machine can run", async (session, options) =>
        (await import("./commands/test")).test(session, options as { fast?: boolean }),
    )
        .option("--fast", "only what needs no Docker")
        .option("-t, --pattern <pattern>", "only tests whose name matches");
    return root;
}

type Action = (
    session: Session,
    options: Readonly<Record<string, unknown>>,
    argument?: string,
) => Promise<void>;

/** Adds a command below the program, or below a command of it. */
function command(parent: Command, usage: string, description: string, action: Action): Command {
    return parent
        .command(usage)
        .description(description)
        .action(async (...given: unknown[]) => {
            const self = given.at(-1) as Command;
            const [argument] = self.args;
            await action(openSession(self.optsWithGlobals<GlobalOptions>()), self.opts(), argument);
        });
}

program()
    .parseAsync(process.argv)
    .then(
        () => {
            process.exit(process.exitCode ?? 0);
        },
        (error: unknown) => {
            process.stderr.write(`${pc.red("error:")} ${messageOf(error)}\n`);
            if (error instanceof CliError) {
                if (error.remedy !== undefined)
                    process.stderr.write(`  ${pc.bold("→")} ${error.remedy}\n`);
                process.exit(error.exitCode);
            }
            process.stderr.write(`${error instanceof Error ? (error.stack ?? "") : ""}\n`);
            process.exit(70);
        },
    );
