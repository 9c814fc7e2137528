package duoyun

// Listing is one keyset page; Next is the cursor of the page that follows, "" after the last.
type Listing[T any] struct {
	Items []T
	Next  string
}

// Paged cuts rows, fetched with one more than the page holds, to a page; id gives a row's cursor.
func Paged[T any](rows []T, p Page, id func(T) string) Listing[T] {
	if n := p.Size(); len(rows) > n {
		return Listing[T]{Items: rows[:n], Next: id(rows[n-1])}
	}
	return Listing[T]{Items: rows}
}
