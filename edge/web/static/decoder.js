// Reads QR codes in pictures, away from the page's own thread.

import { prepareZXingModule, readBarcodes } from "./vendor/zxing/es/reader/index.js";

const OPTIONS = { formats: ["QRCode"], tryHarder: true, tryInvert: true, maxNumberOfSymbols: 4 };

prepareZXingModule({
  overrides: { locateFile: (name) => new URL(`vendor/zxing/reader/${name}`, import.meta.url).href },
});

self.onmessage = async ({ data }) => {
  try {
    const found = await readBarcodes(data, OPTIONS);
    self.postMessage({ texts: found.filter((code) => code.isValid).map((code) => code.text) });
  } catch {
    self.postMessage({ texts: [], broken: true });
  }
};
