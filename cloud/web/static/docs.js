// Reads the description and shows it; asks nobody but the service that served this page.
const place = document.getElementById("api");

// Beside its operations, which are a landmark already.
const PARTS = {
  ".information-container": "About",
  ".scheme-container": "Access",
  ".filter-container": "Search",
};

// What Swagger UI leaves for a screen reader to guess.
function mend() {
  for (const each of place.querySelectorAll("h3, h4, h5")) each.ariaLevel = each.tagName[1] - 1;
  for (const [part, label] of Object.entries(PARTS)) {
    for (const each of place.querySelectorAll(`${part}:not([role])`)) {
      each.role = "region";
      each.ariaLabel = label;
    }
  }
  for (const each of place.querySelectorAll("select:not([aria-label])")) {
    each.ariaLabel = each.closest("[data-param-name]")?.dataset.paramName ?? "Choice";
  }
  for (const each of place.querySelectorAll("input:not([aria-label]), textarea:not([aria-label])")) {
    each.ariaLabel = each.closest("[data-param-name]")?.dataset.paramName ?? each.placeholder ?? "Text";
  }
  for (const each of place.querySelectorAll("pre:not([tabindex])")) each.tabIndex = 0;
}

new MutationObserver(mend).observe(place, { childList: true, subtree: true });
const { matches: dark } = matchMedia("(prefers-color-scheme: dark)");
document.documentElement.classList.toggle("dark-mode", dark);

SwaggerUIBundle({
  url: "/v1/openapi.json",
  dom_id: "#api",
  validatorUrl: null,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  filter: true,
  presets: [SwaggerUIBundle.presets.apis],
});
