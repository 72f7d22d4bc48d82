/* SPDX-License-Identifier: MIT */
/* The pages do all they must without this file. */
"use strict";
(function () {
	var each = function (selector, f) {
		document.querySelectorAll(selector).forEach(f);
	};

	/* For browsers without the media feature `scripting`. */
	document.documentElement.classList.add("js");

	/* Shows or hides a password. It is hidden again before it is sent. */
	each("button[data-hide]", function (button) {
		var field = document.getElementById(button.getAttribute("aria-controls"));
		var word = button.firstElementChild, show = word.textContent;

		function set(shown) {
			field.type = shown ? "text" : "password";
			word.textContent = shown ? button.dataset.hide : show;
		}
		button.addEventListener("click", function () {
			set(field.type === "password");
		});
		field.form.addEventListener("submit", function () {
			set(false);
		});
	});

	/* Says that Caps Lock is on while a password is typed. */
	each("[data-caps]", function (hint) {
		var field = document.getElementById(hint.dataset.caps);

		field.addEventListener("keyup", function (event) {
			if (event.getModifierState)
				hint.hidden = !event.getModifierState("CapsLock");
		});
		field.addEventListener("blur", function () {
			hint.hidden = true;
		});
	});
}());
