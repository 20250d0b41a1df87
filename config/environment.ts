/**
 * Variables by which the environment chooses another Docker daemon or Consul than the one a provider names: the
 * providers read them even where their own settings are complete (measured: docs/decisions/0001; Consul's client
 * prefers a token file to the token it is given).
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
    "CONSUL_HTTP_ADDR",
    "CONSUL_HTTP_TOKEN",
    "CONSUL_HTTP_TOKEN_FILE",
    "CONSUL_HTTP_AUTH",
    "CONSUL_HTTP_SSL",
    "CONSUL_HTTP_SSL_VERIFY",
    "CONSUL_TLS_SERVER_NAME",
    "CONSUL_CACERT",
    "CONSUL_CAPATH",
    "CONSUL_CLIENT_CERT",
    "CONSUL_CLIENT_KEY",
    "CONSUL_NAMESPACE",
    "CONSUL_PARTITION",
    "CONSUL_TOKEN",
];

/** Those of the variables that are set, by name. */
export function redirecting(environment: NodeJS.ProcessEnv): string[] {
    return REDIRECTING_VARIABLES.filter((name) => environment[name]);
}
