package simcloud

import (
	"bytes"
	"encoding/json"
)

// Garble makes an answer's body into what the vendor's protocol never says.
type Garble func(body []byte) []byte

// WrongType answers another type than was promised.
func WrongType([]byte) []byte { return []byte(`["what","is","this"]`) }

// Hollow answers an object of the right form with nothing in it.
func Hollow([]byte) []byte { return []byte(`{}`) }

// WithoutID leaves every id out.
func WithoutID(body []byte) []byte {
	return rewritten(body, func(o map[string]any) { delete(o, "id") })
}

// WithID puts another id in the place of the first object's own: that of somebody else's resource, for instance.
func WithID(id string) Garble {
	return func(body []byte) []byte {
		return rewritten(body, func(o map[string]any) {
			if _, named := o["id"]; named {
				o["id"] = id
			}
		})
	}
}

// idIn is the id of the object that a body holds, itself or directly in it; "" when there is none.
func idIn(body []byte) (id string) {
	rewritten(body, func(o map[string]any) {
		if v, ok := o["id"].(string); ok && id == "" {
			id = v
		}
	})
	return id
}

// rewritten applies f to a JSON object and to the objects directly in it; what is no object stays as it is.
func rewritten(body []byte, f func(map[string]any)) []byte {
	var o map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&o) != nil {
		return body
	}
	f(o)
	for _, v := range o {
		if inner, ok := v.(map[string]any); ok {
			f(inner)
		}
	}
	out, err := json.Marshal(o)
	if err != nil {
		panic(err) // it was JSON before
	}
	return out
}
