package duoyun

// Once identifies a POST for idempotency: the service writes key, actor, route and body hash with the id of what it
// made, in its own transaction, kept 7 days. The same key with the same body gives the first result again; with another
// body it is a conflict. The zero value is a call that need not be repeatable (from a job or the demo).
type Once struct {
	Key      string // Idempotency-Key header, 1 to 200 ASCII bytes
	Route    string // METHOD path template
	BodyHash string // SHA-256, hex
}
