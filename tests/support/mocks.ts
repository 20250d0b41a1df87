export * from "../../cli/graph/mocks";
