// Runs before the first paint: which view is open and in which theme. Nothing may jump later.
"use strict";

function viewOf(hash) {
  const known = /^#\/(findings|finding|machines|machine|rules|notes)(?=[/?]|$)/.exec(hash);
  return known ? known[1] : "overview";
}

function storedTheme() {
  try {
    return localStorage.getItem("portcullis-theme") || "system";
  } catch {
    return "system"; // a page from disk may have no storage
  }
}

document.documentElement.classList.add("live");
document.documentElement.dataset.view = viewOf(location.hash);
document.documentElement.dataset.theme = storedTheme();
