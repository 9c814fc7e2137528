package duoyun

// Name is what people call a row, beside its opaque id: its code or number 单号, and its name.
type Name struct {
	Code string
	Name string
}
