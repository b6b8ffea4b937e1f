// Runs before the first paint: names that were hidden stay hidden on the next page (measure M18).
if (sessionStorage.getItem("yvax.privacy") === "on") document.documentElement.classList.add("privacy");
