// What charts are measured with: round numbers along axes, numbers as text, colours that stand out, paths of lines.
"use strict";
const RlLeapScale = (() => {
  const known = value => value !== null && Number.isFinite(value);

  // A colour that stands out from white, and one from the dark page: contrast of at least 3, as WCAG asks of graphics.
  function colours(hex) {
    const rgb = [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
    const luminance = c => c.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const towards = (end, enough) => {
      for (let share = 0; ; share += 0.04) {
        const mixed = rgb.map(v => Math.round(v + (end - v) * Math.min(share, 1)));
        if (share >= 1 || enough(luminance(mixed))) return `rgb(${mixed.join(" ")})`;
      }
    };
    const light = towards(0, l => 1.05 / (l + 0.05) >= 3);
    const dark = towards(255, l => (l + 0.05) / (0.0091 + 0.05) >= 5);
    return `color: light-dark(${light}, ${dark})`;
  }

  // Round numbers from low to high, at most so many.
  function ticks(low, high, most, whole) {
    if (!(high > low)) [low, high] = [low - 0.5, high + 0.5];
    for (let power = 10 ** (Math.floor(Math.log10((high - low) / most)) - 1); ; power *= 10)
      for (const digit of [1, 2, 2.5, 5]) {
        const step = digit * power;
        if (whole && step % 1 !== 0) continue;
        const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
        if (last - first + 1 <= most)
          return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
            +((first + i) * step).toPrecision(12));
      }
  }

  // A number as people read it: 12.3k steps, four figures of a value.
  function number(value) {
    if (!known(value)) return "–";
    const size = Math.abs(value);
    const [unit, suffix] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
    return String(+(value / unit).toPrecision(4)).replace("-", "−") + suffix;
  }

  const interval = (value, low, high) => number(value)
    + (known(low) && known(high) && low < high ? ` [${number(low)}, ${number(high)}]` : "");

  // Least and greatest of everything that is drawn, with a little room.
  function span(values, room) {
    let low = Infinity, high = -Infinity;
    for (const value of values) if (known(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
    if (low > high) return [0, 1];
    if (low === high) return [low - Math.max(Math.abs(low) * 0.1, 0.5), high + Math.max(Math.abs(high) * 0.1, 0.5)];
    return [low - room * (high - low), high + room * (high - low)];
  }

  // The path of a line; broken where a number is missing.
  function path(xs, ys, x, y) {
    let text = "", open = false;
    for (let i = 0; i < xs.length; i++) {
      if (!known(ys[i]) || !known(xs[i])) { open = false; continue; }
      text += `${open ? "L" : "M"}${x(xs[i]).toFixed(1)} ${y(ys[i]).toFixed(1)}`;
      open = true;
    }
    return text;
  }

  function band(mark, x, y) {
    const at = mark.x.map((_, i) => i).filter(i => known(mark.low[i]) && known(mark.high[i]));
    if (at.length < 2) return "";
    const point = (i, value) => `${x(mark.x[i]).toFixed(1)} ${y(value).toFixed(1)}`;
    return "M" + at.map(i => point(i, mark.low[i])).join("L")
      + "L" + at.reverse().map(i => point(i, mark.high[i])).join("L") + "Z";
  }

  // Where a number stands among increasing ones: the index of the nearest.
  function nearest(xs, value) {
    let best = 0;
    for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - value) < Math.abs(xs[best] - value)) best = i;
    return best;
  }

  return { known, colours, ticks, number, interval, span, path, band, nearest };
})();
