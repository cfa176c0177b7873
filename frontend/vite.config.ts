import { fileURLToPath, URL } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import type { ProxyOptions } from 'vite'
import { defineConfig } from 'vitest/config'

const apiPort = process.env.API_PORT || '8000'
const uiPort = Number(process.env.UI_PORT || 5173)

/** The browser talks to one origin; `/api/drift` reaches the service as `/drift`. */
const proxy: Record<string, ProxyOptions> = {
  '/api': {
    target: `http://127.0.0.1:${apiPort}`,
    changeOrigin: false,
    rewrite: (path: string) => path.replace(/^\/api/, '') || '/',
    // Event streams stay open for as long as the page does.
    timeout: 0,
    proxyTimeout: 0,
    // A service that dies in the middle of a stream must end the browser's side too, or the page waits on a dead connection.
    configure: (server) => {
      server.on('proxyRes', (incoming, _request, outgoing) => {
        incoming.on('close', () => {
          if (!incoming.complete) outgoing.destroy()
        })
      })
    },
  },
}

const server = {
  // 127.0.0.1 only. Browsers try it for "localhost" too, so both addresses work.
  host: '127.0.0.1',
  port: uiPort,
  strictPort: true,
  proxy,
}

export default defineConfig({
  plugins: [vue(), tailwindcss()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // The API reference calls the service at its own address; see docsUrl in src/api/client.ts.
  define: { 'import.meta.env.VITE_API_PORT': JSON.stringify(apiPort) },
  server,
  preview: server,
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts'],
    // Formatters show local time; the tests fix what local means.
    env: { TZ: 'Europe/Vienna' },
  },
})
