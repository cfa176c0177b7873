import { defineConfig, devices } from '@playwright/test'

const baseURL = process.env.HC_UI_URL
if (!baseURL) {
  throw new Error('HC_UI_URL is not set. These tests need the running product: start it, then HC_UI_URL=http://127.0.0.1:5173 npm run e2e')
}

export default defineConfig({
  testDir: 'e2e',
  // One backend, and the tests change it.
  workers: 1,
  fullyParallel: false,
  // A test that passes at the second attempt hides a defect.
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  outputDir: 'test-results',
  use: {
    ...devices['Desktop Chrome'],
    baseURL,
    viewport: { width: 1440, height: 900 },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH || '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
