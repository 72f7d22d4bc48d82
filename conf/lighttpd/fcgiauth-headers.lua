-- SPDX-License-Identifier: MIT
-- fcgiauth for lighttpd with mod_magnet: passes the identity to an application
-- behind mod_proxy, and gives each request an ID.
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

-- The ID is in the log of the service, on its pages of refusals, in the
-- variable REQUEST_ID of applications in FastCGI, SCGI, uwsgi and CGI, and in
-- the access log as %{REQUEST_ID}e.
if not r.req_env["REQUEST_ID"] then
	local id = ""
	for _ = 1, 4 do
		id = id .. string.format("%08x", lighty.c.rand() % 0x100000000)
	end
	r.req_env["REQUEST_ID"] = id
end
