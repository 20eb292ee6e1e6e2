"""What a definition and an import look like in each grammar: tree-sitter queries.

A capture's name is the symbol's kind; ``@scope`` names what encloses others without being a symbol;
``@import`` is an import and ``@module`` the text of what it imports.
"""

from __future__ import annotations

_JAVASCRIPT = """
(function_declaration name: (_) @name) @function
(generator_function_declaration name: (_) @name) @function
(class_declaration name: (_) @name) @class
(method_definition name: (_) @name) @method
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @function
(import_statement source: (string) @module) @import
(export_statement source: (string) @module) @import
"""
_TYPESCRIPT = (
    _JAVASCRIPT
    + """
(abstract_class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @enum
(function_signature name: (_) @name) @function
(method_signature name: (_) @name) @method
(abstract_method_signature name: (_) @name) @method
(internal_module name: (_) @name) @module_symbol
"""
)
_C = """
(function_definition declarator: (_) @name) @function
(struct_specifier name: (_) @name body: (_)) @struct
(union_specifier name: (_) @name body: (_)) @struct
(enum_specifier name: (_) @name body: (_)) @enum
(type_definition declarator: (type_identifier) @name) @type
(preproc_function_def name: (_) @name) @macro
(preproc_include path: (_) @module) @import
"""

QUERIES: dict[str, str] = {
    "python": """
(function_definition name: (_) @name) @function
(class_definition name: (_) @name) @class
(import_statement name: (dotted_name) @module) @import
(import_from_statement module_name: (_) @module) @import
""",
    "javascript": _JAVASCRIPT,
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "go": """
(function_declaration name: (_) @name) @function
(method_declaration receiver: (_) @receiver name: (_) @name) @method
(type_spec name: (_) @name type: (struct_type)) @struct
(type_spec name: (_) @name type: (interface_type)) @interface
(type_spec name: (_) @name type: [(type_identifier) (function_type) (map_type) (slice_type)]) @type
(import_spec path: (_) @module) @import
""",
    "java": """
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(enum_declaration name: (_) @name) @enum
(record_declaration name: (_) @name) @class
(annotation_type_declaration name: (_) @name) @interface
(method_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @method
(import_declaration) @import
""",
    "rust": """
(function_item name: (_) @name) @function
(function_signature_item name: (_) @name) @function
(struct_item name: (_) @name) @struct
(enum_item name: (_) @name) @enum
(union_item name: (_) @name) @struct
(trait_item name: (_) @name) @trait
(type_item name: (_) @name) @type
(mod_item name: (_) @name body: (_)) @module_symbol
(macro_definition name: (_) @name) @macro
(impl_item type: (_) @name) @scope
(mod_item name: (_) @module !body) @import
(use_declaration argument: (_) @module) @import
""",
    "c": _C,
    "cpp": _C
    + """
(class_specifier name: (_) @name body: (_)) @class
(namespace_definition name: (_) @name) @scope
(alias_declaration name: (_) @name) @type
""",
    "ruby": """
(method name: (_) @name) @method
(singleton_method name: (_) @name) @method
(class name: (_) @name) @class
(module name: (_) @name) @module_symbol
(call method: (identifier) @verb (#any-of? @verb "require" "require_relative")
  arguments: (argument_list (string (string_content) @module))) @import
""",
}

# Nodes that open a definition one level up: an export, a decorator, a template's head.
WRAPPERS = frozenset(
    (
        "export_statement",
        "decorated_definition",
        "template_declaration",
        "lexical_declaration",
        "variable_declaration",
        "type_declaration",
        "type_definition",
    )
)
COMMENTS = frozenset(("comment", "line_comment", "block_comment"))
# Nodes that may stand between a definition and the comment that documents it.
ANNOTATIONS = frozenset(("attribute_item", "decorator"))
