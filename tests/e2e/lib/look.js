// SPDX-License-Identifier: MIT
// Run in a page by FCGIAuth::Look: finds what a person would stumble over.
// Installs window.look.
window.look = (function () {
	const CONTROL = "a[href], button, input:not([type=hidden]), select, " +
	    "textarea, summary";
	const all = (css) => [...document.querySelectorAll(css)];
	const controls = () => all(CONTROL).filter((e) => e.checkVisibility());
	const short = (e) => e.outerHTML.replace(/\s+/g, " ").slice(0, 90);

	// Colours as the browser paints them.
	const canvas = document.createElement("canvas");
	const paint = canvas.getContext("2d", { willReadFrequently: true });
	function rgba(colour) {
		paint.clearRect(0, 0, 1, 1);
		paint.fillStyle = colour;
		paint.fillRect(0, 0, 1, 1);
		return [...paint.getImageData(0, 0, 1, 1).data];
	}
	function luminance(colour) {
		const [r, g, b] = colour.map((v) => (v /= 255) <= 0.04045 ?
			v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	}
	function ratio(one, other) {
		const [low, high] = [luminance(one), luminance(other)]
			.sort((a, b) => a - b);
		return (high + 0.05) / (low + 0.05);
	}
	function ground(e) {
		for (; e; e = e.parentElement) {
			const c = rgba(getComputedStyle(e).backgroundColor);
			if (c[3] === 255)
				return c;
		}
		return [255, 255, 255, 255];
	}

	// A link within a sentence is as high as its line (WCAG 2.5.8).
	const inSentence = (e) => e.matches("a:not([class])") &&
		getComputedStyle(e).display === "inline";

	function targets() {
		return controls().filter((e) => !inSentence(e) &&
		    !e.matches(".skip")).flatMap((e) => {
			const box = (e.matches("[type=checkbox], [type=radio]") ?
				e.closest("label") : e).getBoundingClientRect();
			return Math.min(box.width, box.height) < 44 ?
				[`target ${box.width}x${box.height}: ${short(e)}`] : [];
		});
	}

	// Fields and outlined buttons are known by their edges (WCAG 1.4.11).
	function edges() {
		return controls().filter((e) => e.matches("input:not([type=" +
		    "checkbox], [type=radio]), select, textarea, .plain, .danger"))
			.flatMap((e) => {
			const r = ratio(rgba(getComputedStyle(e).borderTopColor),
				ground(e.parentElement));
			return r < 3 ? [`edge ${r.toFixed(2)}: ${short(e)}`] : [];
		});
	}

	function overflow() {
		const wide = document.documentElement.scrollWidth - innerWidth;
		const cut = all("header *, main *, footer *").filter((e) =>
			e.checkVisibility() && e.clientWidth > 0 &&
			!e.closest(".sr, svg, select") &&
			!e.matches("input, textarea, .skip") &&
			getComputedStyle(e).display !== "inline" &&
			e.scrollWidth > e.clientWidth + 1);
		return cut.map((e) => `cut: ${short(e)}`)
			.concat(wide > 0 ? [`wider than the window by ${wide}`] : []);
	}

	function frame() {
		const html = document.documentElement;
		const count = (css) => all(css).length;
		const bad = [];
		for (const [css, n] of [["h1", 1], ["header", 1], ["main", 1],
		    ["footer", 1], ["[style]", 0], ["style", 0]]) {
			if (count(css) !== n)
				bad.push(`${count(css)} elements ${css}`);
		}
		if (!/^[a-z]{2}/.test(html.lang))
			bad.push("no lang");
		if (!/^(ltr|rtl)$/.test(html.dir))
			bad.push("no dir");
		if (document.title.trim() === "")
			bad.push("no title");
		if (!matchMedia("(scripting: enabled)").matches &&
		    all(".js-only").some((e) => e.checkVisibility()))
			bad.push("something needs the script");
		const filled = controls().filter((e) =>
			e.matches("button, .button") &&
			!e.matches(".plain, .danger, .show, .small"));
		if (filled.length > 1)
			bad.push(`${filled.length} filled buttons`);
		return bad;
	}

	// What the page loads, and how its parts move while it does.
	function traffic() {
		return performance.getEntriesByType("resource")
			.filter((e) => new URL(e.name).origin !== location.origin &&
				!e.name.startsWith("data:"))
			.map((e) => `foreign request: ${e.name}`);
	}
	function shifts() {
		const moved = (e) => e.sources.map((s) => s.node ?
			s.node.nodeName + "." + s.node.className : "?").join(" ");
		return new Promise((resolve) => {
			new PerformanceObserver((list) => resolve(list.getEntries()
				.map((e) => `layout shift ${e.value} of ${moved(e)}`)))
				.observe({ type: "layout-shift", buffered: true });
			setTimeout(() => resolve([]), 50);
		});
	}

	function status() {
		return performance.getEntriesByType("navigation")[0]
			.responseStatus;
	}

	// Opens what is folded, so that it is measured, too.
	function unfold() {
		all("details").forEach((e) => { e.open = true; });
	}

	// The keyboard: start() begins at the top of the page and returns the
	// number of controls; then the test presses Tab as often; visited()
	// compares the controls that got the focus with all, in their order.
	let seen, expected;
	function start() {
		seen = [];
		expected = controls();
		document.addEventListener("focusin", (event) => {
			const s = getComputedStyle(event.target);
			seen.push(event.target);
			if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2)
				seen.push(`no ring: ${short(event.target)}`);
		});
		document.body.tabIndex = -1;
		document.body.focus();
		document.body.removeAttribute("tabindex");
		seen = [];
		return expected.length;
	}
	function visited() {
		const name = (e) => typeof e === "string" ? e : short(e);
		const got = seen.map(name).join("\n");
		const want = expected.map(name).join("\n");
		return got === want ? [] :
			[`Tab reached:\n${got}\ninstead of:\n${want}`];
	}

	function findings() {
		return [].concat(frame(), overflow(), targets(), edges(),
			traffic());
	}
	return { findings, shifts, status, unfold, overflow, start, visited };
}());
