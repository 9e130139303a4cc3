"""What GitHub's GraphQL API is asked for; checked against its public schema of 2026.

What is NOT here: who asks (``github_live``), and what the answers mean (``github_discussions``).
"""

from __future__ import annotations

_POST = """
  id databaseId url bodyHTML createdAt lastEditedAt upvoteCount
  author { __typename login url }
  authorAssociation
"""
_COMMENT = f"{_POST} isAnswer isMinimized minimizedReason deletedAt"
_PAGE = "pageInfo { hasNextPage endCursor }"
_LIMIT = "rateLimit { cost remaining resetAt }"

INDEX = f"""
query Index($owner: String!, $name: String!, $after: String, $answered: Boolean) {{
  {_LIMIT}
  repository(owner: $owner, name: $name) {{
    isPrivate hasDiscussionsEnabled
    discussions(first: 100, after: $after, answered: $answered, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
      totalCount {_PAGE}
      nodes {{
        id number title updatedAt isAnswered answerChosenAt
        answer {{ id }}
        category {{ name slug isAnswerable }}
      }}
    }}
  }}
}}
"""
"""A hundred discussions in the order they were written, with what moves when they change; one point a page."""

DISCUSSIONS = f"""
query Discussions($ids: [ID!]!) {{
  {_LIMIT}
  nodes(ids: $ids) {{
    ... on Discussion {{
      number title updatedAt closed stateReason locked isAnswered answerChosenAt
      answerChosenBy {{ login }}
      category {{ name slug isAnswerable }}
      labels(first: 20) {{ nodes {{ name }} }}
      answer {{ {_COMMENT} }}
      {_POST}
      comments(first: 50) {{
        {_PAGE}
        nodes {{ {_COMMENT} replies(first: 10) {{ {_PAGE} nodes {{ {_COMMENT} }} }} }}
      }}
    }}
  }}
}}
"""
"""Whole discussions by node id; the rest of their comments comes with ``COMMENTS`` and ``REPLIES``."""

COMMENTS = f"""
query Comments($id: ID!, $after: String) {{
  {_LIMIT}
  node(id: $id) {{
    ... on Discussion {{
      page: comments(first: 50, after: $after) {{
        {_PAGE}
        nodes {{ {_COMMENT} replies(first: 10) {{ {_PAGE} nodes {{ {_COMMENT} }} }} }}
      }}
    }}
  }}
}}
"""

REPLIES = f"""
query Replies($id: ID!, $after: String) {{
  {_LIMIT}
  node(id: $id) {{
    ... on DiscussionComment {{
      page: replies(first: 100, after: $after) {{ {_PAGE} nodes {{ {_COMMENT} }} }}
    }}
  }}
}}
"""
