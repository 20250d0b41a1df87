export * from "../../cli/graph/program";
