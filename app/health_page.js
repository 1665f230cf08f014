"use strict";
(() => {
  const form = document.querySelector(".filters");
  const all = [...document.querySelectorAll("article")];
  const texts = all.map((one) => one.textContent.toLowerCase());
  const show = () => {
    const { kind, source, state, sure, words } = form.elements;
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    form.elements.least.value = Number(sure.value).toFixed(2);
    let shown = 0;
    all.forEach((one, n) => {
      const { dataset } = one;
      const fits =
        (!kind.value || dataset.kind === kind.value) &&
        (!source.value || dataset.sources.split("\n").includes(source.value)) &&
        (!state.value || dataset.state === state.value) &&
        Number(dataset.sure) >= Number(sure.value) &&
        wanted.every((word) => texts[n].includes(word));
      one.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    form.querySelector(".shown").textContent = `${shown} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
