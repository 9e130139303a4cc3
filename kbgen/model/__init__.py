"""The words every other module speaks: plain frozen records, no behaviour, no I/O.

Three families, in the order the data takes them:

* **untrusted**: ``RawRecord``, ``Person``, ``Post``, ``Thread``, ``Article``: what a platform's payload says;
* **curated**: ``Verdict``, ``CuratedPost``, ``Curated``, ``Entry``: text behind the trust boundary;
* **site**: ``Card``, ``Page``, ``Listing``, ``Library``: what is on the site, without bodies, so that a hundred
  thousand of them fit in memory. Bodies stay in the store and are read when a page is poured.

Times are aware and in UTC. ``None`` means "unknown", which is not "never". Sequences are tuples.
"""

from kbgen.model.curated import (
    ArticleEntry,
    Cluster,
    Contributor,
    Curated,
    CuratedPost,
    Entry,
    Head,
    Overlay,
    SourceThread,
    Summary,
    Tag,
    TagMark,
    Taxonomy,
    Topic,
    Verdict,
)
from kbgen.model.harvested import (
    Article,
    Person,
    Post,
    RawRecord,
    Solved,
    Thread,
    family_of,
)
from kbgen.model.site import (
    Block,
    Card,
    Crumb,
    Library,
    Link,
    Listing,
    Page,
    Picture,
    SourceInfo,
    StageReport,
)
from kbgen.model.terms import (
    Outcome,
    PageKind,
    PlainText,
    RecordKind,
    Ref,
    SafeHtml,
    Slug,
    SolvedBy,
    Visibility,
    Why,
    make_ref,
    split_ref,
    visible,
)

__all__ = [
    "Article",
    "ArticleEntry",
    "Block",
    "Card",
    "Cluster",
    "Contributor",
    "Crumb",
    "Curated",
    "CuratedPost",
    "Entry",
    "Head",
    "Library",
    "Link",
    "Listing",
    "Outcome",
    "Overlay",
    "Page",
    "PageKind",
    "Person",
    "Picture",
    "PlainText",
    "Post",
    "RawRecord",
    "RecordKind",
    "Ref",
    "SafeHtml",
    "Slug",
    "Solved",
    "SolvedBy",
    "SourceInfo",
    "SourceThread",
    "StageReport",
    "Summary",
    "Tag",
    "TagMark",
    "Taxonomy",
    "Thread",
    "Topic",
    "Verdict",
    "Visibility",
    "Why",
    "family_of",
    "make_ref",
    "split_ref",
    "visible",
]
