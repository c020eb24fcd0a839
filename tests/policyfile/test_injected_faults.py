"""Every kind of fault of a policy, each found with line, reason and fix."""

from __future__ import annotations

import pytest

from mfa_gate.policyfile import examine, findings
from mfa_gate.policyfile.tools.findings import test_findings as findings_on_tests
from mfa_gate.policyfile.tools.policy_tests import faults_of_tests

from .kinds import HEAD, HERE

NOW = 1_800_000_000  # 2027-01-15
TEST = "[[tests]]\nname = 't'\ngiven = {}\nexpect = { decision = 'enroll' }\n"


def every_line(text: str) -> list[str]:
    """Tell all faults, or all remarks on a valid policy, as ``policy check`` prints them."""
    examined = examine(text, base=HERE)
    faults = examined.faults or faults_of_tests(examined.policy, now=NOW)
    if faults or examined.policy is None:
        return [fault.told("p") for fault in faults]
    found = (*findings(examined.policy, now=NOW), *findings_on_tests(examined.policy))
    return [finding.told("p") for finding in found]


def exempt(body: str = "", *, paths: str = "['=/a']", name: str = "e", ends: str = "permanent = true") -> str:
    return f"[[exempt]]\nname = '{name}'\npaths = {paths}\nreason = 'x'\n{ends}\n{body}"


def step_up(body: str = "max_age = '5m'", *, paths: str = "['/pay/**']", name: str = "s") -> str:
    return f"[[step_up]]\nname = '{name}'\npaths = {paths}\n{body}\n"


def people(body: str, *, name: str = "p", ends: str = "permanent = true") -> str:
    return f"[[exempt_subjects]]\nname = '{name}'\nreason = 'x'\n{ends}\n{body}\n"


READ_ONLY = "methods = ['GET']\n"
KINDS = [
    # -- the text, its keys and its values ------------------------------------------------------------------------
    ("not TOML", "[factors\n", "3", "not TOML", "column"),
    ("a key twice", "mode = 'enforce'\nmode = 'enforce'\n", "4", "not TOML: cannot overwrite", "column"),
    ("a key with a typing mistake", "[freshness]\nmax_aeg = '1d'\n", "4: freshness.max_aeg", "unknown key", "max_age"),
    ("a key in the wrong section", "[factors]\nmax_age = '1d'\n", "4: factors.max_age", "unknown", "belongs in"),
    ("a section with a typing mistake", "[freshnes]\n", "3: freshnes", "unknown", 'did you mean "freshness"'),
    ("a key of the file in a tenant", "[tenants.a]\nname = 'x'\n",
     "4: tenants.a.name", "unknown key", "top of the file"),
    ("a number as text", "[attempts]\nmax = '7'\n", "4: attempts.max", "not a whole number", "whole number"),
    ("a number out of bounds", "[attempts]\nmax = 0\n", "4: attempts.max", "out of bounds", "between 1 and 100"),
    ("a duration without a unit", "[freshness]\nmax_age = '7'\n", "4: freshness.max_age", "no", '"7d"'),
    ("a duration as a number", "[freshness]\nmax_age = 7\n", "4: freshness.max_age", "not a duration", "write text"),
    ("a duration out of bounds", "[freshness]\nmax_age = '2y'\n", "4: freshness.max_age", "not a duration", "write it"),
    ("a word that is none", "mode = 'on'\n", "3: mode", "not one of", '"enforce"'),
    ("a switch as text", "[factors]\nmask = 'yes'\n", "4: factors.mask", "neither true nor false", "true"),
    ("a date in quotes", exempt(ends="expires = '2027-12-31'"), "7: exempt[0].expires", "not a date", "without quotes"),
    ("a time without its offset", exempt(ends="expires = 2027-12-31T00:00:00"),
     "7: exempt[0].expires", "offset", "add Z"),
    ("text in place of a list", "[factors]\nallowed = 'totp'\n", "4: factors.allowed", "not an array", 'write ["'),
    ("a factor that is none", "[factors]\nallowed = ['topt']\n", "4: factors.allowed[0]", "not one of", 'mean "totp"'),
    ("a factor twice", "[factors]\nallowed = ['totp', 'totp']\n", "4: factors.allowed", "out of bounds", "each once"),
    ("a table in place of a list", "[exempt]\nname = 'x'\n", "3: exempt", "not an array of tables", "[[exempt]]"),
    ("a path with a pattern", exempt(paths="['/a/*']"), "5: exempt[0].paths[0]", "no path", "/tree/**"),
    ("a path without its mark", step_up(paths="['/pay']"), "5: step_up[0].paths[0]", "no path", '"=/exact"'),
    ("a path with an escape", exempt(paths="['=/a%2fb']"), "5: exempt[0].paths[0]", "no path", "plain ASCII"),
    ("a path that climbs", exempt(paths="['/a/../**']"), "5: exempt[0].paths[0]", "no path", "must not hold"),
    ("no path at all", step_up(paths="[]"), "5: step_up[0].paths", "must name", "at least one"),
    ("a network with host bits", "[networks]\nhq = ['192.0.2.7/24']\n", "4: networks.hq", "host bits", "write it like"),
    (
        "every address in halves",
        "[networks]\nhq = ['0.0.0.0/1', '128.0.0.0/1']\n",
        "4: networks.hq",
        "every address",
        'action = "log"',
    ),
    ("every address there is", "[networks]\nhq = ['0.0.0.0/0']\n", "4: networks.hq", "every address", 'action = "log"'),
    ("a region that does not exist", "[factors.sms]\nregions = ['UK']\n",
     "4: factors.sms.regions", "no region", '"GB"'),
    ("a region of no country", "[factors.voice]\nregions = ['QZ']\n",
     "4: factors.voice.regions", "no region", "ISO 3166"),
    ("an agreement without its file", "[agreement]\nid = 'a'\nversion = '1'\ntitle = 'x'\nfile = 'no.md'\n",
     "7: agreement.file", "no such file", "beside the policy"),
    ("a logo without its file", "[brand]\nlogo = 'no.svg'\n", "4: brand.logo", "no such file", "beside the policy"),
    ("a color nobody can read", "[brand]\naccent = '#ffff00'\n", "4: brand.accent", "out of bounds", "4.5:1"),
    ("a link without https", "[brand]\nhelp_url = 'http://x.example'\n",
     "4: brand.help_url", "out of bounds", "https://"),
    ("no version", 'name = "x"\n', "1: version", "missing", "write version = 1"),
    # -- keys that contradict each other --------------------------------------------------------------------------
    ("codes that can be guessed", "[attempts]\nmax = 60\n[factors]\nallowed = ['email']\n",
     "5: factors.email.code", "above 1.0e-04", "more digits"),
    ("backup codes alone", "[factors]\nallowed = ['backup-code']\n", "4: factors.allowed", "stands in", "allow one"),
    ("backup codes offered first", "[factors]\norder = ['backup-code']\n",
     "4: factors.order", "never the first", "take it"),
    ("a warning about codes at once", "[factors.backup-code]\ncount = 3\n",
     "3: factors.backup-code.warn_at", "at once", "3"),
    ("a rule without a demand", step_up(""), "3: step_up[0]", "demands nothing", "give it max_age"),
    ("a rule that no factor meets", "[factors]\nallowed = ['email']\n" + step_up("phishing_resistant = true"),
     "5: step_up[0]", "only", "allow a factor that does"),
    ("two rules that no factor meets", step_up("factors_any = ['totp']") + step_up("factors_any = ['email']", name="t"),
     "7: step_up[1]", "no factor", "ask for less"),
    ("three rules that no factor meets",
     step_up("factors_any = ['totp', 'email']") + step_up("factors_any = ['email', 'sms']", name="t")
     + step_up("factors_any = ['sms', 'totp']", name="u"), "11: step_up[2]", "no factor", "ask for less"),
    ("a rule that a tenant cannot meet",
     "[factors]\nallowed = ['webauthn', 'email']\n" + step_up("phishing_resistant = true")
     + "[tenants.a]\nfactors.allowed = ['email']\n", "10: tenants.a.factors.allowed", "only", "allow a factor"),
    ("dates in the wrong order", "[enrollment]\noptional_from = 2027-09-01\nrequired_from = 2027-02-01\n",
     "5: enrollment.required_from", "before optional_from", "swap"),
    ("a stage beside dates", "[enrollment]\nstage = 'optional'\nrequired_from = 2027-02-01\n",
     "4: enrollment.stage", "decide the stage", "take out"),
    ("asking before it can count", "[freshness]\nmax_age = '1h'\nrenew_early = '1h'\n",
     "5: freshness.renew_early", "not less than", "every page would ask"),
    ("a network without its list", "[freshness.ip_change]\ntrusted = ['hq']\n[networks]\nho = ['192.0.2.0/24']\n",
     "4: freshness.ip_change.trusted[0]", "no network", 'known: "ho"'),
    ("two budgets of attempts", "[attempts]\nrolling = { max = 6 }\n",
     "4: attempts.rolling.max", "never", "attempts.max = 7"),
    ("a cap below one message", "[sends]\ncap_per_day = 5\nprice = { sms = 8, voice = 3 }\n",
     "4: sends.cap_per_day", "none would ever be sent", "give it 8 or more"),
    ("a cap without prices", "[sends]\ncap_per_day = 5\n", "4: sends.cap_per_day", "caps nothing", "give sends.price"),
    ("two rules of one name", step_up() + step_up("max_age = '4m'"),
     "8: step_up[1].name", "second rule", "tell rules apart"),
    ("the whole app exempt", exempt(paths="['/**']"), "5: exempt[0].paths", "whole app", "enrollment.stage"),
    ("an exemption without an end", exempt(ends=""), "3: exempt[0].expires", "missing", "permanent = true"),
    ("an exemption without a reason", "[[exempt]]\nname = 'e'\npaths = ['=/a']\npermanent = true\n",
     "3: exempt[0].reason", "missing", "say why"),
    ("an exemption with two ends", exempt(ends="permanent = true\nexpires = 2027-12-31"),
     "7: exempt[0].permanent", "as well", "keep one"),
    ("an exemption of people by path", people("paths = ['=/a']\ngroups_any = ['c']"), "7: exempt_subjects[0].paths",
     "unknown key", "known here"),
    # -- rails and tenants ----------------------------------------------------------------------------------------
    ("a rail on no key", "[rails]\n'freshness.maxage' = { max = '1d' }\n",
     '4: rails."freshness.maxage"', "no key", "max_age"),
    ("a rail that is upside down", "[rails]\n'attempts.max' = { min = 9, max = 3 }\n",
     '4: rails."attempts.max".min', "above max", "swap"),
    ("a tenant outside of a rail", "[rails]\n'attempts.max' = { max = 7 }\n[tenants.a]\nattempts.max = 8\n",
     "6: tenants.a.attempts.max", "above 7", "widen rails"),
    ("an inherited value outside of a rail", "[freshness]\nmax_age = '30d'\n[rails]\n'freshness.max_age' = { max = '7d' }\n",
     "4: freshness.max_age", "without a value of their own", "widen rails"),
    ("a rail that limits nothing", "[rails]\n'factors.allowed' = { subset = false }\n",
     '4: rails."factors.allowed"', "limits nothing", "give it a limit"),
    ("a rail wider than its key", "[rails]\n'attempts.max' = { max = 100 }\n",
     '4: rails."attempts.max".max', "takes nothing above", "narrower"),
    ("a rail that nobody can meet", "[rails]\n'factors.allowed' = { at_least = 7, subset = true }\n[factors]\nallowed = "
     "['webauthn', 'push', 'totp', 'sms', 'voice', 'email', 'backup-code']\n[tenants.a]\nfactors.allowed = ['totp']\n",
     "8: tenants.a.factors.allowed", "7 or more", "widen rails"),
    ("a direction where there is none", "[rails]\n'brand.name' = { only_stricter = true }\n",
     '4: rails."brand.name".only_stricter', "no value", "take it out"),
    ("a closed file without tenants", "tenants_are = 'closed'\n", "3: tenants_are", "names no tenant", "[tenants.…]"),
    ("a tenant that nobody knows", "tenants_are = 'closed'\n[tenants.finnance]\nowner = 'a@b.example'\n[[tests]]\nname = 't'\n"
     "given = { tenant = 'finance' }\nexpect = { decision = 'enroll' }\n", "8: tests[0].given.tenant", "no tenant", "finnance"),
    ("a name that is no tenant", "[tenants.' a']\nowner = 'a@b.example'\n", '3: tenants." a"', "cannot be", "1 to"),
    ("a tenant that changes nothing", "[tenants.a]\n", "3: tenants.a", "changes nothing", "take it out"),
    ("two tenants alike", "[tenants.Clinic]\nowner = 'a@b.example'\n[tenants.clinic]\nowner = 'c@b.example'\n",
     "5: tenants.clinic", "capitals", "as the host does"),
    ("an empty list of a tenant", step_up() + "[tenants.a]\nstep_up = []\n",
     "8: tenants.a.step_up", "takes none", "take the line"),
    ("an empty table of a tenant", "[networks]\nhq = ['198.51.100.0/28']\n[tenants.a]\nnetworks = {}\n",
     "6: tenants.a.networks", "takes none", "take the line"),
    # -- rules that decide nothing --------------------------------------------------------------------------------
    ("a step-up below an exemption", exempt(READ_ONLY, paths="['/a/**']")
     + step_up("max_age = '5m'\n" + READ_ONLY, paths="['/a/b/**']"),
     "9: step_up.s", "wholly in the exemption", "narrow"),
    ("a step-up below two exemptions",
     exempt("methods = ['GET']\n", paths="['/a/**']") + exempt("methods = ['POST']\n", paths="['=/a/b']", name="f")
     + step_up("max_age = '5m'\nmethods = ['GET', 'POST']", paths="['=/a/b']"), "15: step_up.s", 'exemption "e", "f"', "narrow"),
    ("one path of a step-up exempt", exempt(paths="['=/a/b']") + step_up(paths="['/pay/**', '=/a/b']"),
     '10: step_up.s.paths[1]', "asks nothing", "narrow"),
    ("a step-up exempt for a while", exempt(paths="['=/a/b']", ends="expires = 2027-12-31") + step_up(paths="['=/a/b']"),
     "8: step_up.s", "until 2027-12-31", "narrow"),
    ("a weaker rule in a stricter one", step_up("max_age = '5m'") + step_up("max_age = '1h'", paths="['=/pay/x']", name="w"),
     "7: step_up.w", "at least as much", "ask for more"),
    ("the same rule twice", step_up() + step_up(name="w"), "7: step_up.w", "at least as much", "take it out"),
    ("a watcher behind a stricter rule", step_up() + step_up("max_age = '1h'\nreport_only = true", name="w"),
     "7: step_up.w", "at least as much", "ask for more"),
    ("a rule for nobody", step_up("max_age = '5m'\ngroups_any = ['a']\ngroups_none = ['a']"),
     "8: step_up.s.groups_none", "matches nobody", "take the group out"),
    ("an exemption for nobody", people("groups_any = ['a', 'b']\ngroups_none = ['b', 'a']"),
     "8: exempt_subjects.p.groups_none", "matches nobody", "take the group out"),
    ("a rule for other tenants", "[tenants.a]\n[[tenants.a.step_up]]\nname = 's'\npaths = ['/x/**']\nmax_age = '5m'\n"
     "tenants_any = ['b']\n", "8: tenants.a.step_up.s.tenants_any", "never applies", "take tenants_any out"),
    ("a rule for a tenant that nobody knows", "[tenants.finance]\nowner = 'a@b.example'\n"
     + step_up("max_age = '5m'\ntenants_any = ['finnance']"), "9: step_up.s.tenants_any[0]", 'mean "finance"', "as the host"),
    ("a closed file and a rule for a stranger", "tenants_are = 'closed'\n[tenants.finance]\nowner = 'a@b.example'\n"
     + step_up("max_age = '5m'\ntenants_any = ['finnance']"), "10: step_up[0].tenants_any[0]", "no tenant", "finance"),
    ("a step-up for exempt people", people("groups_any = ['a']") + step_up("max_age = '5m'\ngroups_any = ['a']"),
     "12: step_up.s.groups_any", "is exempt by", "take the groups"),
    ("an exemption on our own pages", exempt(paths="['/mfa/challenge/**']"),
     "5: exempt.e.paths[0]", "page of the gate", "prefix"),
    ("a step-up on our own pages", step_up(paths="['/mfa/**']"),
     "5: step_up.s.paths[0]", "page of the gate", "take it out"),
    ("a route in place of a path", step_up(paths="['=/users/{id}/pay']"),
     "5: step_up.s.paths[0]", "to the letter", "/users/**"),
    ("another framework's route", exempt(paths="['=/users/:id']"),
     "5: exempt.e.paths[0]", "to the letter", "/users/**"),
    ("a path twice in a rule", step_up(paths="['/pay/**', '=/pay/x']"), "5: step_up.s.paths[1]", "already", "take one"),
    ("an exemption in another", exempt(READ_ONLY, paths="['/a/**']") + exempt(READ_ONLY, paths="['=/a/b']", name="f"),
     "11: exempt.f.paths[0]", 'exempt by "e" already', "narrow"),
    ("two exemptions with two ends", exempt(ends="expires = 2027-06-30") + exempt(name="f", ends="expires = 2028-06-30"),
     "5: exempt.e.paths[0]", "ends on 2028-06-30", "keep one"),
    ("the same exemption twice", exempt() + exempt(name="f"), "10: exempt.f.paths[0]", "already", "take it out"),
    ("people exempt twice", people("groups_any = ['a', 'b']") + people("groups_any = ['a']", name="q"),
     "8: exempt_subjects.q", "already", "keep one"),
    ("people exempt with two ends", people("groups_any = ['a']", ends="expires = 2027-06-30")
     + people("groups_any = ['a']", name="q"),
     "3: exempt_subjects.p", "for longer", "keep one"),
    ("an age without effect", step_up("max_age = '7d'"), "3: step_up.s", "no effect", "shorter"),
    ("an age above the freshness", step_up("max_age = '9d'\nphishing_resistant = true"),
     "6: step_up.s.max_age", "longer", "shorter"),
    ("a factor that is not allowed", "[factors]\nallowed = ['totp', 'webauthn']\n" + step_up("factors_any = ['totp', 'sms']"),
     "8: step_up.s.factors_any[1]", "cannot be used", "allow it"),
    ("a factor too weak for its rule", step_up("factors_any = ['totp', 'webauthn']\nphishing_resistant = true"),
     "6: step_up.s.factors_any[0]", "does not meet", "ask for less"),
    ("rules of a stage without any", "[enrollment]\nstage = 'off'\n" + step_up(),
     "5: step_up", "asks nothing", "another"),
    ("an exemption that is over", exempt(ends="expires = 2026-12-31"), "3: exempt.e", "has expired", "take it out"),
    ("an exemption near its end", exempt(ends="expires = 2027-01-31"), "3: exempt.e", "expires in 16 days", "new date"),
    ("an exemption far ahead", exempt(ends="expires = 2127-01-31"), "7: exempt.e.expires", "five years", "permanent"),
    # -- settings that nothing uses -------------------------------------------------------------------------------
    ("an order of factors nobody has", "[factors]\nallowed = ['totp']\norder = ['totp', 'sms']\n",
     "5: factors.order[1]", "never offered", "allow it"),
    ("options of a factor nobody has", "[factors]\nallowed = ['totp']\n[factors.push]\nttl = '30s'\n",
     "5: factors.push", "no effect", "allow"),
    ("trusted networks that nobody asks for", "[networks]\nhq = ['192.0.2.0/24']\n[freshness.ip_change]\naction = 'log'\n"
     "trusted = ['hq']\n", "7: freshness.ip_change.trusted", "no effect", "challenge"),
    ("a network that nothing names", "[networks]\nhq = ['192.0.2.0/24']\n", "4: networks.hq", "no effect", "name it"),
    ("a class that is not trusted", "[freshness]\nphishing_resistant_acr = ['gold']\n",
     "4: freshness.phishing_resistant_acr[0]", "no sign-in", "add it"),
    ("a price without a cap", "[sends]\nprice = { sms = 8 }\n", "4: sends.price", "no effect", "cap_per_day"),
    ("a warning without a cap", "[sends]\nwarn_at = 50\n", "4: sends.warn_at", "no effect", "cap_per_day"),
    ("more in an hour than in a day", "[factors.sms]\nresend = { per_hour = 20 }\n",
     "4: factors.sms.resend.per_hour", "never reached", "per_day"),
    ("a wait longer than the hour", "[factors.email]\nresend = { wait = '20m' }\n[factors.email.code]\nttl = '1h'\n",
     "4: factors.email.resend.per_hour", "fewer than", "shorter wait"),
    ("a code that ends too soon", "[factors.email]\nresend = { wait = '2m' }\n[factors.email.code]\nttl = '1m'\n",
     "6: factors.email.code.ttl", "ends before", "longer ttl"),
    ("digits that apps leave aside", "[factors.totp]\ndigits = 8\n",
     "4: factors.totp.digits", "common apps", "write 6"),
    ("a period that apps leave aside", "[factors.totp]\nperiod = '60s'\n",
     "4: factors.totp.period", "common apps", '"30s"'),
    ("an administrator's age too long", "[roles]\nactor_max_age = '2h'\n[freshness]\nmax_age = '1h'\n",
     "4: roles.actor_max_age", "longer", "shorter"),
    ("pages without a name", "[brand]\nshow_name = false\n", "4: brand.show_name", "whose they are", "logo"),
    ("an offer of a factor nobody may have", "[factors]\nallowed = ['totp']\n[enrollment]\nnudge = { to = 'webauthn' }\n",
     "6: enrollment.nudge.to", "nothing is ever offered", "allow it"),
    ("an offer of the usual factor, which nobody may have",
     "[factors]\nallowed = ['totp', 'email']\n[enrollment.nudge]\nmax = 5\n",
     "5: enrollment.nudge", '"webauthn" is not in factors.allowed', "name an allowed factor"),
    ("an offer after factors that nobody has",
     "[factors]\nallowed = ['webauthn', 'totp']\n[enrollment]\nnudge = { after = ['sms', 'webauthn'] }\n",
     "6: enrollment.nudge.after", "nothing is ever offered", "weaker factors"),
    ("an offer after the usual factors, which nobody has",
     "[factors]\nallowed = ['webauthn', 'push']\n[enrollment]\nnudge = { every = '90d' }\n",
     "6: enrollment.nudge", "nothing is ever offered", "weaker factors"),
    ("an offer after a factor that nobody has",
     "[factors]\nallowed = ['webauthn', 'totp']\n[enrollment]\nnudge = { after = ['totp', 'sms'] }\n",
     "6: enrollment.nudge.after[1]", "not in factors.allowed", "take it out"),
    ("an offer of a factor after the factor itself", "[enrollment]\nnudge = { after = ['totp', 'webauthn'] }\n",
     "4: enrollment.nudge.after[1]", "has it already", "take it out"),
    ("an offer after a backup code", "[enrollment]\nnudge = { after = ['totp', 'backup-code'] }\n",
     "4: enrollment.nudge.after[1]", "stands in", "take it out"),
    ("an offer of backup codes", "[enrollment]\nnudge = { to = 'backup-code' }\n",
     "4: enrollment.nudge.to", "stands in", "name another factor"),
    ("an offer that is never made", "[enrollment]\nnudge = { every = '90d', max = 0 }\n",
     "4: enrollment.nudge.max", "nothing is ever offered", "larger max"),
    ("a pause after the only offer", "[enrollment]\nnudge = { every = '90d', max = 1 }\n",
     "4: enrollment.nudge.every", "no effect", "larger max"),
    ("an offer to nobody", "[enrollment]\nnudge = { groups_any = ['a'], groups_none = ['a', 'b'] }\n",
     "4: enrollment.nudge.groups_any", "nothing is ever offered", "one of the two"),
    ("skips in a stage without any", "[enrollment]\nskip = { max = 3 }\n",
     "4: enrollment.skip.max", "no effect", "optional"),
    ("a hold without requests", "[recovery]\nways = ['backup-code']\nhold = '1d'\n",
     "5: recovery.hold", "no effect", "request"),
    ("a slow way in by the password alone", "[enrollment]\nfirst = 'open'\n[recovery]\nself_service = '3d'\n",
     "6: recovery.self_service", "password alone", "contact"),
    ("a slow way in that ends at a ticket", "[enrollment]\nfirst = 'ticket'\n[recovery]\nself_service = '3d'\n",
     "6: recovery.self_service", "must still give a ticket", "take it out"),
    ("a slow way in that is quick", "[recovery]\nself_service = '1h'\n",
     "4: recovery.self_service", "cannot stop a thief", "3d"),
    # -- people without a way -------------------------------------------------------------------------------------
    ("tickets that nobody may give", "[enrollment]\nfirst = 'ticket'\n[roles]\nreset = []\n",
     "4: enrollment.first", "no group may give one", "roles.reset"),
    ("no way back", "[recovery]\nways = []\n[factors]\nallowed = ['totp']\n",
     "4: recovery.ways", "no way back", "request"),
    ("a way back without codes", "[recovery]\nways = ['backup-code']\n[factors]\nallowed = ['totp']\n",
     "4: recovery.ways", "nobody has any", "allow it"),
    ("codes without the way back", "[recovery]\nways = ['request']\n",
     "1: factors.allowed", "none are made", "recovery.ways"),
    ("another factor where there is one", "[recovery]\nways = ['other-factor']\n[factors]\nallowed = ['totp']\n",
     "4: recovery.ways", "only factor", "allow a second"),
    ("requests that nobody answers", "[roles]\nreset = []\n", "1: recovery.ways", "no group may answer", "roles.reset"),
    ("nobody may unlock", "[roles]\nunlock = []\n", "4: roles.unlock", "waits for", "name a group"),
    ("nobody may look", "[roles]\nlook = []\n", "4: roles.look", "nobody can help", "name a group"),
    ("nobody may reset", "[roles]\nreset = []\n", "4: roles.reset", "waits for", "name a group"),
    ("nobody may turn it on", "[enrollment]\nstage = 'admin'\n[roles]\ntenant = []\n",
     "6: roles.tenant", "waits for", "name a"),
    ("nobody may read the trail", "[roles]\naudit = []\n", "4: roles.audit", "no group may read", "name a group"),
    ("everywhere, and no right", "[roles]\neverywhere = ['boss']\n",
     "4: roles.everywhere", "no right", "give the group"),
    ("a choice that nobody may make", "[factors]\nchoice = 'tenant'\n[roles]\ntenant = []\n",
     "4: factors.choice", "no group may do so", "roles.tenant"),
    ("administrators without a second factor", people("groups_any = ['admin']"),
     "7: exempt_subjects.p.groups_any", "may administer", "groups_none"),
    ("the telephone alone", "[factors]\nallowed = ['sms', 'voice']\n",
     "4: factors.allowed", "no way in", "backup-code"),
    ("e-mail alone", "[factors]\nallowed = ['email']\n", "4: factors.allowed", "one mailbox", "second kind"),
    ("one factor to pick from", "[factors]\nallowed = ['totp']\nchoice = 'tenant'\n",
     "5: factors.choice", "only", "allow more"),
    ("an owner that is no address", "owner = 'the security team'\n", "3: owner", "no address", "security@example.org"),
    # -- names ----------------------------------------------------------------------------------------------------
    ("two groups alike", step_up("max_age = '5m'\ngroups_any = ['Admin']"),
     "7: step_up.s.groups_any[0]", "capitals", "as the host"),
    ("a group with blanks", step_up("max_age = '5m'\ngroups_any = ['staff ']"),
     "7: step_up.s.groups_any[0]", "blanks", "take"),
    ("a rule with the gate's own name", step_up(name="freshness"),
     "4: step_up.freshness.name", "the gate itself", "another name"),
    ("one name for two rules", exempt() + step_up(name="e"), "9: step_up.e.name", 'named "e"', "another name"),
    ("two names alike", step_up() + step_up("max_age = '4m'", name="S", paths="['/x/**']"),
     "8: step_up.S.name", 'named "s"', "another"),
    # -- values that give away ------------------------------------------------------------------------------------
    ("a long freshness", "[freshness]\nmax_age = '31d'\n", "4: freshness.max_age", "longer than 30 days", "30d"),
    ("asking half of the time", "[freshness]\nmax_age = '2h'\nrenew_early = '90m'\n",
     "5: freshness.renew_early", "half", "shorter"),
    ("passing while the store is away", "[freshness]\noutage_grace = '5m'\n",
     "4: freshness.outage_grace", "still passes", "0s"),
    ("another network asks nothing", "[freshness.ip_change]\naction = 'log'\n",
     "4: freshness.ip_change.action", "nothing", "challenge"),
    ("nothing is asked", "[enrollment]\nstage = 'off'\n", "4: enrollment.stage", "nothing is asked", "optional"),
    ("optional for good", "[enrollment]\noptional_from = 2027-01-01\n",
     "4: enrollment.optional_from", "for good", "required_from"),
    ("required in a hundred years", "[enrollment]\nrequired_from = 2127-01-01\n",
     "4: enrollment.required_from", "five years", "date"),
    ("an open first enrollment", "[enrollment]\nfirst = 'open'\n", "4: enrollment.first", "password", "contact"),
    ("nobody is interrupted", "mode = 'report-only'\n", "3: mode", "nobody is interrupted", "enforce"),
    ("a rule that only watches", step_up("max_age = '5m'\nreport_only = true"),
     "3: step_up.s", "asks nothing", "report_only"),
    ("one wrong answer locks", "[attempts]\nmax = 1\n", "4: attempts.max", "locks", "3 or more"),
    ("a tree that takes posts", exempt(paths="['/static/**']"), "3: exempt.e", "POST", "name methods"),
    # -- tests ----------------------------------------------------------------------------------------------------
    ("no tests", "", "1: tests", "no test says", "add [[tests]]"),
    ("a test that does not hold", "[[tests]]\nname = 't'\ngiven = {}\nexpect = { decision = 'verified' }\n",
     "3: tests[0]", "expected", "got"),
    ("a test that cannot be", "[[tests]]\nname = 't'\ngiven = { proof_age = '1d' }\nexpect = { decision = 'enroll' }\n",
     "5: tests[0].given", "a proof needs", "enrolled"),
    ("two tests of one name", TEST + TEST, "8: tests[1].name", "second test", '"t"'),
    ("a test of no rule", "[[tests]]\nname = 't'\ngiven = {}\nexpect = { decision = 'enroll', rule = 'exprt' }\n"
     + step_up(name="export"),
     "3: tests[0]", "rule: expected", "got"),
    ("a test of no group", TEST.replace("{}", "{ groups = ['adnim'] }"),
     "5: tests[0].given.groups[0]", "names the group", '"admin"'),
]  # fmt: skip
"""Each row: the fault, the policy below its head, line and key, a part of the reason, a part of the fix."""


@pytest.mark.parametrize(("text", "place", "reason", "fix"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS])
def test_a_fault_is_found_with_line_reason_and_fix(text: str, place: str, reason: str, fix: str) -> None:
    """P-2: a fault is told with its line and key, the reason and a way to put it right."""
    lines = every_line(text if text.startswith("name = ") else HEAD + text)
    line, _, path = place.partition(": ")
    starts = [f"p:{line}: {mark}{path}:" for mark in ("", "warning: ", "note: ")] if path else [f"p:{line}:"]
    mine = [told for told in lines if told.startswith(tuple(starts))]
    assert any(reason in line and fix in line for line in mine), lines


def test_enough_kinds() -> None:
    """Eighty kinds at least, no two of one name."""
    assert len({row[0] for row in KINDS}) == len(KINDS) >= 80
