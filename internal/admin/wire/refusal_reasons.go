package wire

import "metadb/internal/admin/admission"

// refusalSubject begins the log lines about logins.
const refusalSubject = "administration port"

// These are the reasons for refusals.
var (
	reasonPassword = admission.Kind{Label: "password", Plural: "logins with a wrong password"}
	reasonUser     = admission.Kind{Label: "user", Plural: "logins of users that this port does not have"}
	reasonPeer     = admission.Kind{Label: "peer", Plural: "logins of other operating-system users through the Unix socket"}
	reasonTLS      = admission.Kind{Label: "tls", Plural: "logins without TLS"}
	reasonRoom     = admission.Kind{Label: "room", Plural: "logins for which there was no room"}
	reasonPending  = admission.Kind{Label: "pending", Plural: "clients dropped before they logged in"}
	reasonAccept   = admission.Kind{Label: "accept", Plural: "clients that could not be accepted"}
)

// refusalReasons returns the reasons for refusals.
func refusalReasons() []admission.Kind {
	return []admission.Kind{reasonPassword, reasonUser, reasonPeer, reasonTLS, reasonRoom, reasonPending, reasonAccept}
}
