"""Suffixes that many owners share: a small part of the Public Suffix List.

Browsers make no passkeys for them. The whole list has ten thousand entries and changes every week
(https://publicsuffix.org); these are the ones that somebody is likely to write.
"""

from __future__ import annotations

from collections.abc import Mapping

_BELOW_COUNTRIES: Mapping[str, str] = {
    "co": (
        "ae ag am ao at bb bi bj bw ci cl cm cr gg gl gy hu id il im in ir it je jp ke kr lc ls ma me mg mu mw mz "
        "na ni nz om pn pw rs rw st sz th tj tm tt tz ug uk us uz ve vi zm zw"
    ),
    "com": (
        "ac af ag ai al am ar au aw az ba bb bh bi bj bm bn bo br bs bt by bz ci cm cn co cu cv cw cy dm do dz ec "
        "ee eg es et fj fm fr ge gh gi gl gn gp gr gt gu gy hk hn hr ht im in io iq is jo kg ki km kp kw ky kz la "
        "lb lc lk lr lv ly mg mk ml mo ms mt mu mv mw mx my na nf ng ni nr om pa pe pf ph pk pl pr ps pt py qa re "
        "ro sa sb sc sd sg sh sl sn so ss st sv sy tj tm tn to tr tt tw ua ug uy uz vc ve vi vn vu ws ye zm"
    ),
    "org": (
        "ac ae af ag ai al am ar au az ba bb bh bi bj bm bn bo br bs bt bw bz ci cn co cu cv cw cy dm do dz ec ee "
        "eg es et fj fm ge gg gh gi gl gn gp gr gt gu gy hk hn ht hu il im in iq ir is je jo kg ki km kn kp kw ky "
        "kz la lb lc lk lr ls lv ly ma me mg mk ml mn mo ms mt mu mv mw mx my mz na ng ni nr nz om pa pe pf ph pk "
        "pl pn pr ps pt py qa ro rs rw sa sb sc sd se sg sh sl sn so ss st sv sy sz tj tm tn to tr tt tw ua ug uk "
        "uy uz vc ve vi vn vu ws ye zm zw"
    ),
    "net": (
        "ac ae af ag ai al am ar au az ba bb bh bj bm bn bo br bs bt bz ci cm cn co cu cw cy dm do dz ec eg et fj "
        "fm ge gg gl gn gp gr gt gu gy hk hn ht id il im in iq ir is je jo kg ki kn kw ky kz la lb lc lk lr ls lv "
        "ly ma me mk ml mo ms mt mu mv mw mx my mz nf ng ni nr nz om pa pe ph pk pl pn pr ps pt py qa rw sa sb sc "
        "sd sg sh sl so ss st sy th tj tm tn to tr tt tw ua uk uy uz vc ve vi vn vu ws ye zm"
    ),
    "gov": (
        "ac ae af al ar as au az ba bb bf bh bm bn br bs bt by bz cd cl cm cn co cu cx cy dm do dz ec ee eg et fj "
        "gd ge gh gi gn gr gu gy hk ie il in iq ir is it jo kg ki km kn kp kw kz la lb lc lk lr ls lt lv ly ma me "
        "mg mk ml mn mo mr ms mu mv mw my mz ng nr om ph pk pl pn pr ps pt py qa rs rw sa sb sc sd sg sh sl so ss "
        "sx sy tj tl tm tn to tr tt tw ua uk vc ve vn ws ye zm zw"
    ),
    "edu": (
        "ac af al ar au az ba bb bh bi bj bm bn bo br bs bt bz ci cn co cu cv cw dm do dz ec ee eg es et fm gd ge "
        "gh gi gl gn gp gr gt gu gy hk hn ht in iq is it jo kg ki km kn kp kw ky kz la lb lc lk lr ls lv ly me mg "
        "mk ml mn mo ms mt mv mw mx my mz ng ni nr om pa pe pf ph pk pl pn pr ps pt py qa rs sa sb sc sd sg sl sn "
        "so ss st sv sy tj tm to tr tt tw ua uy vc ve vn vu ws ye zm"
    ),
    "ac": (
        "ae at be ci cn cr cy fj gn id il im in ir jp ke kr lk ls ma me mu mw mz ni nz pa pr rs rw se sz th tj tz "
        "ug uk vn zm zw"
    ),
}
"""Second-level words, each with the countries that use it so."""
_WHOLE = frozenset(["bd", "ck", "er", "fk", "jm", "kh", "mm", "np", "pg"])
"""Countries below which every word is a suffix."""
_OTHERS = frozenset(
    str.split(
        "or.jp ne.jp go.jp or.kr go.kr or.at gv.at me.uk ltd.uk plc.uk nhs.uk id.au asn.au go.th or.th in.th "
        "go.id or.id gob.mx gob.ar gouv.fr art.br asso.fr ind.br github.io gitlab.io herokuapp.com "
        "azurewebsites.net azurestaticapps.net vercel.app netlify.app pages.dev workers.dev fly.dev "
        "onrender.com web.app firebaseapp.com appspot.com run.app cloudfront.net elasticbeanstalk.com "
        "ngrok.io trycloudflare.com streamlit.app pythonanywhere.com repl.co deno.dev glitch.me duckdns.org "
        "ts.net"
    )
)
"""Other words below countries, and places of hosting companies."""


def is_public_suffix(host: str) -> bool:
    """Tell if ``host`` is known as a suffix that many owners share.

    A name of one part counts: each is a top-level domain, or no domain at all.
    """
    word, _, country = host.partition(".")
    if not country or host in _OTHERS or country in _WHOLE:
        return True
    return country in _BELOW_COUNTRIES.get(word, "").split()


def registrable(host: str) -> str:
    """Return the part of ``host`` that one owner has, e.g. ``app.co.uk`` of ``www.app.co.uk``.

    Returns ``host`` itself if it is a suffix.
    """
    labels = host.split(".")
    for count in range(1, len(labels)):
        if is_public_suffix(".".join(labels[-count:])) and not is_public_suffix(".".join(labels[-count - 1 :])):
            return ".".join(labels[-count - 1 :])
    return host
