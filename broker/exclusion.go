package broker

import (
	"fmt"
	"time"

	"github.com/duoyun/duoyun"
)

// Exclusion is a rule that keeps a system off this platform. Rules are dated data: a correction is another entry.
type Exclusion struct {
	Classified bool              // speaks of classified systems 涉密
	Level      duoyun.Protection // speaks of this 等保 level and above; 0: of no level
	From       duoyun.Date       // in force from this day
	Article    duoyun.Text       // quoted to the applicant
}

// Exclusions are the rules that hold unless the installation states its own: state secrets law, and the scope of
// Suqian's government cloud, which takes neither classified systems nor those of 等保 level 4 and above. Of the latter
// the content is known, while title, article number and day of issue could not be established from a published text:
// none is quoted, and From is only early enough for every order. Who has the text states the rule in Deps.Rules.
func Exclusions() []Exclusion {
	return []Exclusion{
		{Classified: true, From: duoyun.Date{Year: 2024, Month: time.May, Day: 1}, Article: duoyun.Text{
			ZH: "《中华人民共和国保守国家秘密法》（2024年修订）第三十一条：不得将涉密信息系统接入互联网及其他公共信息网络",
			EN: "Law on Guarding State Secrets (2024), art. 31: classified systems may not be connected to the internet or other public networks"}},
		{Level: 4, From: duoyun.Date{Year: 2010, Month: time.January, Day: 1}, Article: duoyun.Text{
			ZH: "宿迁市政务云管理规定（适用范围）：涉密信息系统和网络安全等级保护第四级及以上信息系统不适用政务云",
			EN: "Suqian government cloud rules (scope): classified systems and those of protection level 4 and above are excluded"}},
	}
}

// excluded refuses a system that a rule in force keeps off the platform, quoting the article.
func (s *Service) excluded(y duoyun.System) error {
	today := duoyun.DateOf(s.now())
	for _, x := range s.rules {
		if today.Before(x.From) {
			continue
		}
		switch {
		case x.Classified && y.Classified:
			return refusal(x, "涉密信息系统“"+y.Name+"”不得在本平台申请资源", y.Name+" is a classified system and may not be served here")
		case x.Level > 0 && y.Level >= x.Level:
			return refusal(x, fmt.Sprintf("“%s”为等保第 %d 级，不得在本平台申请资源", y.Name, y.Level),
				fmt.Sprintf("%s is of protection level %d and may not be served here", y.Name, y.Level))
		}
	}
	return nil
}

func refusal(x Exclusion, zh, en string) error {
	return duoyun.Fail(duoyun.CodeInvalid, "system", zh+"。依据："+x.Article.ZH, en+". Rule: "+x.Article.EN)
}
