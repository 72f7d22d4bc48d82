-- SPDX-License-Identifier: MIT
-- fcgiauth for lighttpd with mod_magnet: passes the identity to an application
-- behind mod_proxy.
--
--	magnet.attract-raw-url-to = ( "/etc/lighttpd/fcgiauth/fcgiauth-headers.lua" )
--
-- After the check has allowed the request, lighttpd processes it again from
-- the start. Before that the variables are empty, and so are the headers.

local r = lighty.r
local identity = {
	["Remote-User"] = "AUTH_USER",
	["Remote-Groups"] = "AUTH_GROUPS",
	["Remote-Email"] = "AUTH_EMAIL",
	["Remote-Name"] = "AUTH_NAME",
}

for header, variable in pairs(identity) do
	r.req_header[header] = r.req_env[variable] or ""
end
