// Light or dark: the switch works by the style sheet alone; this keeps the choice for the next page.
(function () {
  "use strict";
  var root = document.documentElement;
  var kept = null;
  try {
    kept = localStorage.getItem("scheme");
  } catch (error) {
    // A browser that keeps nothing still switches the page at hand.
  }
  if (kept === "light" || kept === "dark") {
    root.dataset.scheme = kept;
  }
  document.addEventListener("DOMContentLoaded", function () {
    var choices = document.querySelectorAll("input[name=scheme]");
    choices.forEach(function (choice) {
      if (choice.value === root.dataset.scheme) {
        choice.checked = true;
      }
      choice.addEventListener("change", function () {
        try {
          localStorage.setItem("scheme", choice.value);
        } catch (error) {
          // As above.
        }
      });
    });
    delete root.dataset.scheme;
  });
})();
