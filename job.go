package duoyun

// Job is a wake-up for a worker: its JSON says which row to look at, the row says what to do. It is inserted in the
// transaction of that row; its queue bears its kind's name.
type Job interface{ Kind() string }
