// Runs before the first paint: which view is open and in which theme. Nothing may jump later.
"use strict";

function viewOf(hash) {
  const known = /^#\/(overview|findings|finding|machines|machine|standards|rules|notes)(?=[/?]|$)/.exec(hash);
  return known ? known[1] : document.documentElement.dataset.home || "overview";
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
