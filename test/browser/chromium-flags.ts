/** Chromium without a window, a camera of its own that anybody may open. */
export const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--use-fake-device-for-media-stream=fps=12',
  '--use-fake-ui-for-media-stream',
]
