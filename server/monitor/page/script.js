"use strict";
// Asks for new figures again and again while somebody looks, and has the charts loaded anew when there are some.
(() => {
  const every = Number(document.body.dataset.every);
  const state = document.getElementById("state");
  let sample = -1;

  const show = (ready, text) => {
    if (state.textContent !== text) state.textContent = text;
    state.className = ready ? "good" : "bad";
  };

  const look = async () => {
    const answer = await fetch("/figures", { signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const now = await answer.json();
    show(now.ready, now.state);
    for (const [id, text] of Object.entries(now.values)) document.getElementById(id).textContent = text;
    if (now.sample === sample) return;
    sample = now.sample;
    for (const [name, words] of Object.entries(now.charts)) {
      const image = document.getElementById("chart-" + name);
      image.alt = words;
      image.previousElementSibling.srcset = "/chart/" + name + "-dark.svg?" + sample;
      image.src = "/chart/" + name + "-light.svg?" + sample;
    }
  };

  const again = async () => {
    if (!document.hidden) {
      try {
        await look();
      } catch (e) {
        show(false, "no answer from the server");
      }
    }
    setTimeout(again, every);
  };
  again();
})();
