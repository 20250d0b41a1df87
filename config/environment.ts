/**
 * Variables by which the environment chooses another Docker daemon than the one a provider names: the docker
 * provider reads them even where its own settings are complete (measured: docs/decisions/0001).
 */
export const REDIRECTING_VARIABLES: readonly string[] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "DOCKER_TLS",
    "DOCKER_CA_MATERIAL",
    "DOCKER_CERT_MATERIAL",
    "DOCKER_KEY_MATERIAL",
    "DOCKER_API_VERSION",
];

/** Those of the variables that are set, by name. */
export function redirecting(environment: NodeJS.ProcessEnv): string[] {
    return REDIRECTING_VARIABLES.filter((name) => environment[name]);
}
