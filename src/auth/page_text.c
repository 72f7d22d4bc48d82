/* SPDX-License-Identifier: MIT */
/* What the pages say. */
#include "base/base.h"

#include "auth/page_text.h"

const char page_style[] =
    ":root{color-scheme:light dark;--bg:#f3f4f6;--card:#fff;--text:#1b1f24;"
    "--soft:#57606a;--line:#8c959f;--accent:#0b5cad;--on-accent:#fff;"
    "--bad:#a40e26;--bad-bg:#ffebe9}"
    "@media(prefers-color-scheme:dark){:root{--bg:#0f1216;--card:#1a1f26;"
    "--text:#e6edf3;--soft:#9da7b3;--line:#6e7681;--accent:#6cb6ff;"
    "--on-accent:#0b1015;--bad:#ffa198;--bad-bg:#3c1618}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:flex;align-items:center;"
    "justify-content:center;padding:1rem;background:var(--bg);"
    "color:var(--text);font:1rem/1.5 system-ui,sans-serif}"
    "main{width:100%;max-width:24rem;background:var(--card);padding:2rem;"
    "border-radius:.75rem;box-shadow:0 1px 3px #0003,0 8px 24px #0002}"
    "h1{margin:0 0 1.25rem;font-size:1.5rem;line-height:1.2}"
    "label{display:block;margin:1rem 0 .25rem;font-weight:600}"
    "input[type=text],input[type=password]{width:100%;padding:.625rem .75rem;"
    "font:inherit;color:inherit;background:transparent;"
    "border:1px solid var(--line);border-radius:.5rem}"
    ".check{display:flex;gap:.5rem;align-items:center;font-weight:400}"
    ".check input{width:1.25rem;height:1.25rem;margin:0;accent-color:var(--accent)}"
    "button{width:100%;margin-top:1.5rem;padding:.75rem;font:inherit;"
    "font-weight:600;color:var(--on-accent);background:var(--accent);"
    "border:0;border-radius:.5rem;cursor:pointer}"
    "input:focus,:focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
    "a{color:var(--accent)}"
    ".problem{margin:0;padding:.75rem;color:var(--bad);"
    "background:var(--bad-bg);border-radius:.5rem}"
    ".soft{color:var(--soft)}"
    "p{margin:.5rem 0;overflow-wrap:anywhere}";

const char page_frame[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" "
    "content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>{{title}}</title>\n"
    "<style>{{&style}}</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "{{&main}}"
    "</main>\n"
    "</body>\n"
    "</html>\n";

const char page_login_text[] =
    "<h1>Sign in</h1>\n"
    "{{#problem}}<p class=\"problem\" role=\"alert\" id=\"problem\">"
    "{{problem}}</p>\n{{/problem}}"
    /* To the address of this page: so the browser keeps its fragment. */
    "<form method=\"post\">\n"
    "<input type=\"hidden\" name=\"csrf\" value=\"{{csrf}}\">\n"
    "{{#rd}}<input type=\"hidden\" name=\"rd\" value=\"{{rd}}\">\n{{/rd}}"
    "<label for=\"username\">User name</label>\n"
    "<input type=\"text\" id=\"username\" name=\"username\" "
    "value=\"{{username}}\" autocomplete=\"username\" autocapitalize=\"none\" "
    "spellcheck=\"false\" maxlength=\"64\" required"
    "{{#ask_name}} autofocus{{/ask_name}}"
    "{{#problem}} aria-describedby=\"problem\"{{/problem}}>\n"
    "<label for=\"password\">Password</label>\n"
    "<input type=\"password\" id=\"password\" name=\"password\" "
    "autocomplete=\"current-password\" required"
    "{{#ask_password}} autofocus{{/ask_password}}"
    "{{#problem}} aria-describedby=\"problem\"{{/problem}}>\n"
    "{{#offer_remember}}<label class=\"check\" for=\"remember\">"
    "<input type=\"checkbox\" id=\"remember\" name=\"remember\" value=\"1\""
    "{{#remember}} checked{{/remember}}>Stay signed in on this device</label>\n"
    "{{/offer_remember}}"
    "<button type=\"submit\">Sign in</button>\n"
    "</form>\n";

const char page_logout_text[] =
    "{{#csrf}}<h1>Sign out</h1>\n"
    "{{#name}}<p>You are signed in as <strong>{{name}}</strong>.</p>\n{{/name}}"
    "<form method=\"post\" action=\"{{path}}/logout\">\n"
    "<input type=\"hidden\" name=\"csrf\" value=\"{{csrf}}\">\n"
    "<button type=\"submit\">Sign out</button>\n"
    "</form>\n{{/csrf}}"
    "{{#signed_out}}<h1>Signed out</h1>\n"
    "<p>You are not signed in on this device.</p>\n"
    "<p><a href=\"{{path}}/login\">Sign in</a></p>\n{{/signed_out}}";

const char page_forbidden_text[] =
    "<h1>No access</h1>\n"
    "{{#account}}<p>You are signed in as <strong>{{name}}</strong>, and this "
    "account may not open this page.</p>\n{{/account}}"
    "{{#elsewhere}}<p>You are signed in as <strong>{{name}}</strong>, and this "
    "account may open this page, but the web server or the application refuses "
    "it. Please tell the administrator of the site if you need it.</p>\n"
    "{{/elsewhere}}"
    "<p><a href=\"{{path}}/logout\">Sign out</a> to use another account.</p>\n";

const char page_unsent_text[] =
    "<h1>Your form was not sent</h1>\n"
    "<p>You were not signed in when it came here, or not any more. Nothing was "
    "saved. What you typed is still in this tab.</p>\n"
    "<ol>\n"
    "<li><a href=\"{{login}}\" target=\"_blank\" rel=\"noopener\">Sign in in a "
    "new tab</a>. Leave this one open.</li>\n"
    "<li>Come back here and reload this page.</li>\n"
    "<li>Your browser asks whether to send the form again. Say yes.</li>\n"
    "</ol>\n"
    "{{#foreign}}<p>This form came from another website. If you see this page "
    "again although you are signed in, your browser does not tell us so when "
    "it comes from there. Ask the administrator of this site.</p>\n"
    "{{/foreign}}";

const char page_too_long_text[] =
    "<h1>Sign in first</h1>\n"
    "<p>You are not signed in, and the address of this page is too long to "
    "lead you back here afterwards.</p>\n"
    "<ol>\n"
    "<li><a href=\"{{login}}\" target=\"_blank\" rel=\"noopener\">Sign in in a "
    "new tab</a>. Leave this one open.</li>\n"
    "<li>Come back here and reload this page.</li>\n"
    "</ol>\n";

const char page_continue_text[] =
    "<h1>One moment</h1>\n"
    "<p>You are being signed in again.</p>\n"
    "<p><a href=\"{{uri}}\">Continue</a></p>\n";

const char page_message_text[] =
    "<h1>{{title}}</h1>\n"
    "<p>{{text}}</p>\n"
    "{{#login}}<p><a href=\"{{path}}/login\">Go to the login page</a></p>\n"
    "{{/login}}";
