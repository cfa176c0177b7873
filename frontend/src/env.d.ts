/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** Another service than the one behind the proxy; its address without a trailing slash. */
  readonly VITE_API_URL?: string
  /** Where the proxy finds the service; set by vite.config.ts. */
  readonly VITE_API_PORT: string
}
