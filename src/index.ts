export { ConfigError, loadConfig, type AppConfig, type Config, type ConfigProblem } from './config.ts';
export { errorCodes, GatewayError, type ErrorCode } from './errors.ts';
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts';
export { openSandbox, type Sandbox, type SandboxOptions } from './sandbox/sandbox.ts';
export type { Credentials, Identify, Identity } from './server/viewer.ts';
