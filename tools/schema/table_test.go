package main

import (
	"strings"
	"testing"
)

func TestTheTableIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"an event without a schema": {"event TYPING_START", "object TYPING_START", "no schema for the event TYPING_START"},
		"an event that is not one":  {"event TYPING_START", "event TYPING_STOP", "the package event has no TYPING_STOP"},
		"an unknown base":           {"event USER_UPDATE User", "event USER_UPDATE Usher", "UserUpdate: no object Usher"},
		"an unknown type":           {"\tauthor User", "\tauthor Usher", "author: no type Usher"},
		"an unknown table":          {"int<ChannelType>", "int<ChannelSort>", "no values ChannelSort"},
		"a set that is text":        {"int<ChannelType>", "string<ChannelType>", "string<ChannelType> does not fit int"},
		"an unknown key":            {"map<snowflake,User>", "map<string,User>", "no key: string"},
		"an unknown mark":           {"\tnonce any ?", "\tnonce any !", `unknown mark "!"`},
		"a field without a type":    {"\tnonce any ?", "\tnonce", "field without a type: nonce"},
		"an unknown line":           {"enum ChannelType int", "list ChannelType int", "what is"},
		"a name that is taken":      {"object UserPrimaryGuild", "object Nameplate", "Nameplate is there twice"},
		"an unknown case":           {"\t17 Container", "\t17 Box", "Component: no object Box"},
		"a case without a value":    {"\t17 Container", "\tContainer", "not a value and an object"},
		"a value without a name":    {"\tSEND_MESSAGES 11", "\tSEND_MESSAGES", "not a name and a value"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(table, c.from) {
				t.Fatalf("the table has no %q", c.from)
			}
			_, err := parse(strings.Replace(table, c.from, c.to, 1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("have %v, want %q", err, c.want)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	s, err := parse(table)
	if err != nil {
		t.Fatal(err)
	}
	have, err := compare(s, []byte(`{"components":{"schemas":{
		"EmbedField":{"properties":{}},
		"MessageEmbedFieldResponse":{"properties":{"name":{"type":["string","null"]},"value":{"type":"integer"},"more":{}},"required":["value"]},
		"OverwriteType":{"oneOf":[{"const":0,"title":"ROLE"},{"const":2,"title":"THING"}]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"EmbedField (MessageEmbedFieldResponse): name: null here false, there true",
		"EmbedField (MessageEmbedFieldResponse): name: optional here false, there true",
		"EmbedField (MessageEmbedFieldResponse): value: here string, there integer",
		"EmbedField (MessageEmbedFieldResponse): inline: only here",
		"EmbedField (MessageEmbedFieldResponse): more: only there",
		"OverwriteType (OverwriteType): 2 (THING): only there",
		"OverwriteType (OverwriteType): 1 (MEMBER): only here",
		"Message: not in the document",
	} {
		if !strings.Contains("\n"+strings.Join(have, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("missing: %s", want)
		}
	}
	if _, err := compare(s, []byte(`[`)); err == nil {
		t.Error("no JSON, and no error")
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"guild_id": "GuildID", "GUILD_NSFW": "GuildNSFW", "activities.read": "ActivitiesRead", "en_GB": "EnGb", "mfa_level": "MFALevel",
	} {
		if have := goName(name); have != want {
			t.Errorf("%s is %s, want %s", name, have, want)
		}
	}
}
