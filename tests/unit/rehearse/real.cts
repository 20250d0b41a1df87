const { rehearseUp, rehearseDown } = require("/work/main/cli/rehearse");
(async () => {
  const o = { projectDir: "/work/main", project: "sutazai-mcp", stack: "rehtest", config: { "sutazai-mcp:namePrefix": "rehearse-test-", "sutazai-mcp:portOffset": "8000", "sutazai-mcp:mainSubnet": "10.99.0.0/24", "sutazai-mcp:internalSubnet": "172.29.0.0/16", "sutazai-mcp:innerPool": "10.100.0.0/16", "sutazai-mcp:imageSource": "local" }, ledgerFile: "/tmp/rt/real.ledger", onEvent: (e: any) => e.kind !== "creating" && console.log(e.kind, e.type, e.name, e.seconds?.toFixed(2), e.detail ?? "") };
  const t = Date.now();
  try { console.log(await rehearseUp({ ...o, program: async () => require("/work/main/index.ts") })); console.log(require("child_process").execSync("docker exec rehearse-test-sutazai-mcp-orchestrator docker ps --format \"{{.Names}} {{.Status}}\"").toString()); console.log("up", Date.now() - t); } catch (e) { console.log(e); }
  const d = Date.now(); console.log(await rehearseDown(o), Date.now() - d);
})();
