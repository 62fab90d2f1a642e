"""Everything that is peculiar to this form of document: a work plan (工作要点) with a table of responsible units.

Prose in numbered points under parts (一、… 1.…), then a table 工作任务 | 序号 | 工作内容 | 责任单位. Another form is
another module like this one; the steps beside it know lines, cells and sentences, but no wordings. Marks that exist in
full width are written as escapes, since editors and transports like to change them.
"""

import re
from typing import Final

from domain.values import Role

# Numerals and marks -------------------------------------------------------------------------------------------------

HAN_DIGITS: Final = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
OPENING: Final = "(\uff08"
CLOSING: Final = ")\uff09"
_HAN: Final = "一二三四五六七八九十百"
_DIGIT: Final = r"0-9\uff10-\uff19"
_DOT: Final = r".\uff0e"
_COMMAS: Final = r",\uff0c;\uff1b:\uff1a?\uff1f!\uff01。"
_DASH: Final = r"\-\u2010-\u2015\u2212\uff0d"

PART_HEADING: Final = re.compile(rf"([{_HAN}]{{1,7}})\s*、\s*(\S.*)")
MEASURE_HEADING: Final = re.compile(rf"[{OPENING}]\s*([{_HAN}]{{1,7}})\s*[{CLOSING}]\s*(\S.*)")
POINT: Final = re.compile(rf"([{_DIGIT}]{{1,3}})\s*[{_DOT}、]\s*(?![{_DIGIT}])(\S.*)")
ROW_NUMBER: Final = re.compile(rf"([{_DIGIT}]{{1,6}})[{_DOT}、]?")
BARS: Final = re.compile(r"[|\uff5c\u2502]")
_STOPS: Final = r"。!\uff01?\uff1f"
_AFTER_STOP: Final = r"[”’\"』」)\uff09]*"
SENTENCE: Final = re.compile(rf"[^{_STOPS}]*[{_STOPS}]+{_AFTER_STOP}|[^{_STOPS}]+")
SENTENCE_END: Final = re.compile(rf"[{_STOPS}]{_AFTER_STOP}\Z")
SENTENCE_START: Final = re.compile(rf"[{_STOPS}]")  # at the start of a line: the sentence before ends only here
CLAUSE_END: Final = re.compile(r"[。!?;]+")  # in folded text

# Pages --------------------------------------------------------------------------------------------------------------

_PAGE: Final = rf"(?:[{_DIGIT}]{{1,4}}|[{_HAN}]{{1,4}})"
NOISE: Final = re.compile(
    rf"[{_DASH}·•\s]*[{_DIGIT}]{{1,3}}[{_DASH}·•\s]*"  # 3, - 3 -; four digits would be a year
    rf"|[{_DIGIT}]{{1,4}}\s*[/\uff0f]\s*[{_DIGIT}]{{1,4}}"  # 3/10
    rf"|[{_DASH}\s]*第\s*{_PAGE}\s*页[,\uff0c、/\s]*(?:共\s*{_PAGE}\s*页)?[{_DASH}\s]*"
    rf"|附\s*件\s*{_PAGE}?\s*[:\uff1a]?"
)
RULES: Final = (
    " \t\u00a0\u3000|\uff5c\u2502_=*+·.…-\u2010\u2011\u2012\u2013\u2014\u2015\uff0d"  # lines of these have no words
)
LONGEST_NOISE: Final = 40

# Title and caption --------------------------------------------------------------------------------------------------

_TITLE_KINDS: Final = "(?:工作要点|工作计划|工作方案|行动计划|行动方案|实施方案)"
TITLE: Final = re.compile(rf"[^{_COMMAS}]{{2,80}}{_TITLE_KINDS}")
YEAR: Final = re.compile(rf"[{_DIGIT}]{{4}}\s*年")
TITLE_ENDS: Final = "点划案"
QUOTED_TITLE: Final = re.compile(rf"《([^《》{_COMMAS}]{{2,80}}{_TITLE_KINDS})\s*》")
CAPTION: Final = re.compile(rf"([^{_COMMAS}]{{2,80}}?{_TITLE_KINDS})(?:重点|工作|任务|责任)*(?:分工表|任务表|责任表)")

# Table --------------------------------------------------------------------------------------------------------------

NUMBER_COLUMN: Final = "序号"
COLUMNS: Final = (
    ("工作任务", "重点任务", "主要任务"),
    (NUMBER_COLUMN,),
    ("工作内容", "任务内容", "主要内容", "具体内容"),
    ("责任单位", "责任部门"),
)
LONGEST_TITLE: Final = 200
MOST_CELLS: Final = 24  # more on one line are no row of this form

# The cell 责任单位 --------------------------------------------------------------------------------------------------

CLAUSE_MARKS: Final = ",\uff0c;\uff1b。"
ITEM_MARKS: Final = "、\uff64"
CONJUNCTION: Final = re.compile(r"以及|和|及|与|暨|\s+")  # only where both sides are registered: names hold 和 too
OPEN_LIST: Final = re.compile(r"等(?:有关|相关)?(?:单位|部门|部门和单位|单位和部门)?\Z")
AGENT: Final = "由"  # 由市科委牵头
JOINTLY: Final = "会同"  # 市科委会同市教委负责
SHARED_SUFFIXES: Final = ("人民政府",)  # 松江区、金山区、青浦区人民政府

# Wordings at the end of a clause; the longest that fits decides. Whatever is not here is unknown, never guessed.
ROLES: Final = (
    (re.compile(r"(?:共同|联合|分别)?(?:牵头负责|负责牵头|牵头)\Z"), Role.LEAD),
    (re.compile(r"(?:按照?|根据)(?:各自)?(?:职责分工|职能分工|职责|职能|分工)(?:分别|共同)?负责\Z"), Role.BY_DUTY),
    (
        re.compile(r"(?:共同|协同|积极|分别)?(?:参与配合|配合参与|协助配合|配合协助|配合|参与|协助|会同)\Z"),
        Role.SUPPORT,
    ),
    (re.compile(r"(?:分别|共同)?负责\Z"), Role.RESPONSIBLE),
)
ROLE_END: Final = re.compile(r"(?:牵头|负责|配合|参与|协助|会同)\Z")
ROLE_STEMS: Final = re.compile(r"牵头|负责|配合|会同|参与|协助|分工|职责|:")  # in folded text
REMARK: Final = re.compile(r"\([^()]*\)\Z")  # in folded text: 市科委(市外专局)
UNIT_ENDINGS: Final = re.compile(  # the lookbehinds: verbs such as 督办, 执行, 查处
    r"(?:[局委院厅署所社队校馆站省市区县镇乡]|(?<![督承协主交经])办|(?<![执推施试进运履实举])行|(?<!查)处|(?<!全)部|(?<!开)会"
    r"|中心|政府|公司|集团|大学|单位|部门|机构|企业|街道|公室)\Z"
)

# Targets and deadlines ----------------------------------------------------------------------------------------------

# Certain patterns only: the words, the number in them, what is counted.
TARGET_FORMS: Final = (
    re.compile(rf"(?P<literal>(?P<number>[{_DIGIT}]{{1,9}})(?P<unit>个[\u4e00-\u9fff]{{0,6}}?领域))"),
    re.compile(rf"分(?P<literal>(?P<number>[{_DIGIT}]{{1,3}}|[两{_HAN}]{{1,3}})(?P<unit>批))"),
)
WHOLE: Final = "全覆盖"  # 100 %

_BEFORE: Final = "(?:之前|以前|前)"
_ANY: Final = "[0-9〇零一二三四五六七八九十]"
DEADLINE: Final = re.compile(  # in folded text
    rf"(?P<year>[0-9]{{4}})年(?P<month>[0-9]{{1,2}})月(?:(?P<day>[0-9]{{1,2}})日|底|末){_BEFORE}"
)
_LEAD_IN: Final = rf"(?:{_ANY}{{1,4}}年)?(?:{_ANY}{{1,3}}月)?(?:第?{_ANY}{{1,3}})?"
VAGUE_DEADLINE: Final = re.compile(  # in folded text
    rf"{_LEAD_IN}(?:年?[底末]|年中|月[底末]|{_ANY}日|{_ANY}号|[上中下]旬|[上下]半年|季度末?|{_ANY}月份?|{_ANY}年){_BEFORE}"
    rf"|年内|(?:年底|年末|月底|月末|[上中下]旬|半年|季度|{_ANY}月|{_ANY}日)内?(?:完成|实现|建成|上线)"
    rf"|[到至](?:年[底末]|今年|明年|本年|{_ANY}{{4}}年)|截至|截止|不晚于|不迟于"
)
