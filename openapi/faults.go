package openapi

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/duoyun/duoyun"
)

// maxFaults ends a list nobody would mend fault by fault; maxGiven bounds what a fault repeats of the input.
const (
	maxFaults = 100
	maxGiven  = 80
)

// faultsOf translates the validator's findings: every broken rule with its path, in both languages.
func faultsOf(err error) error {
	if err == nil {
		return nil
	}
	var f duoyun.Faults
	collect(&f, "", err)
	if len(f) > maxFaults {
		f = f[:maxFaults]
	}
	if e := f.Err(); e != nil {
		return e
	}
	return duoyun.Fail(duoyun.CodeInvalid, "", "请求不符合接口规格", "the request does not conform to the specification").Because(err)
}

func collect(f *duoyun.Faults, path string, err error) {
	var many openapi3.MultiError
	var request *openapi3filter.RequestError
	var schema *openapi3.SchemaError
	switch {
	case errors.As(err, &request):
		collectRequest(f, request)
	case errors.As(err, &many):
		for _, e := range many {
			collect(f, path, e)
		}
	case errors.As(err, &schema):
		f.Add(join(path, schema.JSONPointer()), "", "", "")
		last := &(*f)[len(*f)-1]
		last.Rule, last.Given = rule(schema), given(schema)
		if name, ok := unknown(schema); ok {
			last.Path, last.Given = join(last.Path, []string{short(name)}), ""
		}
	default:
		f.Add(path, "", "无法读取", "cannot be read")
	}
}

func collectRequest(f *duoyun.Faults, e *openapi3filter.RequestError) {
	path := ""
	if e.Parameter != nil {
		path = e.Parameter.Name
	}
	switch {
	case e.Parameter == nil && e.RequestBody == nil:
		f.Add("body", "", "此操作没有请求体", "this operation takes no request body")
	case errors.Is(e.Err, openapi3filter.ErrInvalidRequired) && path == "":
		f.Add("body", "", "缺少请求体", "the request body is missing")
	case errors.Is(e.Err, openapi3filter.ErrInvalidRequired):
		f.Add(path, "", "必须填写", "is required")
	case errors.Is(e.Err, openapi3filter.ErrInvalidEmptyValue):
		f.Add(path, "", "不能为空", "may not be empty")
	case e.Parameter != nil && e.Parameter.Schema != nil && collectParse(f, path, e.Parameter.Schema.Value, e.Err):
	default:
		collect(f, path, e.Err)
	}
}

// collectParse tells what a parameter should have been where it could not be read at all.
func collectParse(f *duoyun.Faults, path string, s *openapi3.Schema, err error) bool {
	var unread *openapi3filter.ParseError
	if !errors.As(err, &unread) || s == nil || s.Type == nil {
		return false
	}
	r := typed(s)
	f.Add(path, short(fmt.Sprint(unread.Value)), r.ZH, r.EN)
	return true
}

// join writes a JSON pointer as documents are spoken of: lines[0].spec.vcpu.
func join(path string, steps []string) string {
	for _, step := range steps {
		if _, err := strconv.Atoi(step); err == nil {
			path += "[" + step + "]"
			continue
		}
		if path != "" {
			path += "."
		}
		path += short(step)
	}
	return path
}

// unknown gives the name of a field nobody knows.
func unknown(e *openapi3.SchemaError) (string, bool) {
	if e.SchemaField != "properties" {
		return "", false
	}
	quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(e.Reason, "property "))
	if err != nil {
		return "", false
	}
	name, err := strconv.Unquote(quoted)
	return name, err == nil
}

// rule says what was expected, by the keyword of the schema that failed.
func rule(e *openapi3.SchemaError) duoyun.Text {
	s := e.Schema
	switch e.SchemaField {
	case "required":
		return duoyun.Text{ZH: "必须填写", EN: "is required"}
	case "properties":
		return duoyun.Text{ZH: "未知的字段", EN: "unknown field"}
	case "nullable":
		return duoyun.Text{ZH: "不能为 null", EN: "may not be null"}
	case "type":
		return typed(s)
	case "enum":
		return oneOf(s.Enum)
	case "pattern":
		return described(s, both("格式应为 %s", "must match %s", s.Pattern))
	case "format":
		if s.Type.Is("integer") {
			return typed(s)
		}
		return described(s, both("格式应为 %s", "must be a %s", s.Format))
	}
	return bound(e)
}

// typed says what type a value should have, of a whole number between which bounds.
func typed(s *openapi3.Schema) duoyun.Text {
	if !s.Type.Is("integer") {
		return both("类型应为 %s", "must be of type %s", strings.Join(s.Type.Slice(), "/"))
	}
	low, high := strconv.Itoa(math.MinInt64), strconv.Itoa(math.MaxInt64)
	if s.Min != nil {
		low = plain(*s.Min)
	}
	if s.Max != nil {
		high = plain(*s.Max)
	}
	return duoyun.Text{ZH: "应为整数，在 " + low + " 与 " + high + " 之间", EN: "must be a whole number between " + low + " and " + high}
}

// bound words the keywords that limit a size.
func bound(e *openapi3.SchemaError) duoyun.Text {
	s := e.Schema
	switch e.SchemaField {
	case "minLength":
		return both("至少 %d 个字符", "needs at least %d characters", s.MinLength)
	case "maxLength":
		return both("最多 %d 个字符", "may have at most %d characters", *s.MaxLength)
	case "minItems":
		return both("至少 %d 项", "needs at least %d entries", s.MinItems)
	case "maxItems":
		return both("最多 %d 项", "may have at most %d entries", *s.MaxItems)
	case "minimum":
		return both("不能小于 %s", "must be at least %s", plain(*s.Min))
	case "maximum":
		return both("不能大于 %s", "must be at most %s", plain(*s.Max))
	case "uniqueItems":
		return duoyun.Text{ZH: "不能重复", EN: "entries may not repeat"}
	}
	return duoyun.Text{ZH: "不符合接口规格", EN: "does not conform to the specification"}
}

// oneOf lists what is allowed.
func oneOf(allowed []any) duoyun.Text {
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = fmt.Sprint(a)
	}
	return duoyun.Text{ZH: "应为以下之一：" + strings.Join(names, "、"), EN: "must be one of: " + strings.Join(names, ", ")}
}

func both(zh, en string, arg any) duoyun.Text {
	return duoyun.Text{ZH: fmt.Sprintf(zh, arg), EN: fmt.Sprintf(en, arg)}
}

// described prefers the words of the specification, "中文 · English", to an expression nobody reads.
func described(s *openapi3.Schema, otherwise duoyun.Text) duoyun.Text {
	if zh, en, ok := strings.Cut(s.Description, " · "); ok {
		if zh != "" && zh[0] < utf8.RuneSelf { // Chinese and what is not Chinese stand apart
			zh = " " + zh
		}
		return duoyun.Text{ZH: "应为" + zh, EN: "must be " + en}
	}
	return otherwise
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// given repeats what was found, shortened; secrets are never repeated.
func given(e *openapi3.SchemaError) string {
	if e.Schema != nil && (e.Schema.WriteOnly || e.SchemaField == "required") {
		return ""
	}
	switch v := e.Value.(type) {
	case map[string]any, []any, nil:
		return ""
	case float64:
		return plain(v)
	default:
		return short(fmt.Sprint(v))
	}
}

// short bounds what is repeated of the input and drops what would garble a terminal.
func short(s string) string {
	n := 0
	var b strings.Builder
	for _, c := range s {
		if n++; n > maxGiven {
			return b.String() + "…"
		}
		if !unicode.IsGraphic(c) {
			c = unicode.ReplacementChar
		}
		b.WriteRune(c)
	}
	return b.String()
}
