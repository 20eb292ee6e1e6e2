"""Queries of the languages that run as written; ``queries`` says what their captures mean."""

from __future__ import annotations

_FUNCTION = "[(arrow_function) (function_expression) (generator_function)]"
_JAVASCRIPT = f"""
(function_declaration name: (_) @name) @function
(generator_function_declaration name: (_) @name) @function
(class_declaration name: (_) @name) @class
(method_definition name: (_) @name) @method
(variable_declarator name: (identifier) @name value: {_FUNCTION}) @function
(variable_declarator name: (identifier) @name value: (class)) @class
(variable_declarator name: (identifier) @name value: (object)) @scope
(assignment_expression left: (member_expression) @name right: {_FUNCTION}) @function
(assignment_expression left: (member_expression) @name right: (object)) @scope
(pair key: (_) @name value: {_FUNCTION}) @function
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @constant)))
(program (lexical_declaration (variable_declarator name: (identifier) @name) @upper))
(export_statement declaration: (_) @inner) @outer
(lexical_declaration . (variable_declarator value: {_FUNCTION[:-1]} (class)]) @inner) @outer
(variable_declaration . (variable_declarator value: {_FUNCTION[:-1]} (class)]) @inner) @outer
(program (lexical_declaration . (variable_declarator) @inner) @outer)
(program (export_statement (lexical_declaration . (variable_declarator) @inner) @outer))
(expression_statement . (assignment_expression right: {_FUNCTION}) @inner .) @outer
(decorator) @attribute
(import_statement source: (string) @module) @import
(export_statement source: (string) @module) @import
(call_expression function: (identifier) @verb arguments: (arguments . (string) @module .)) @import
(call_expression function: (import) arguments: (arguments . (string) @module)) @import
"""
_TYPESCRIPT = (
    _JAVASCRIPT
    + """
(public_field_definition name: (_) @name value: [(arrow_function) (function_expression)]) @method
(abstract_class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @enum
(function_signature name: (_) @name) @function
(method_signature name: (_) @name) @method
(abstract_method_signature name: (_) @name) @method
(internal_module name: (_) @name) @module_symbol
(module name: (_) @name) @module_symbol
(extends_clause value: (_) @base)
(implements_clause (_) @base)
(extends_type_clause type: (_) @base)
(ambient_declaration (_) @inner) @outer
(expression_statement . (internal_module) @inner .) @outer
(program (ambient_declaration (lexical_declaration (variable_declarator name: (_) @name) @constant)))
"""
)

SCRIPTED: dict[str, str] = {
    "python": """
(function_definition name: (_) @name) @function
(class_definition name: (_) @name) @class
(class_definition superclasses: (argument_list [(identifier) (attribute) (subscript)] @base))
(function_definition body: (block . (expression_statement (string) @doc)))
(class_definition body: (block . (expression_statement (string) @doc)))
(decorated_definition definition: (_) @inner) @outer
(import_statement name: (dotted_name) @module) @import
(import_statement name: (aliased_import name: (_) @module)) @import
(import_from_statement module_name: (_) @module) @import
""",
    "javascript": _JAVASCRIPT
    + """
(field_definition property: (_) @name value: [(arrow_function) (function_expression)]) @method
(class_heritage (_) @base)
""",
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "ruby": """
(method name: (_) @name) @method
(singleton_method name: (_) @name) @method
(class name: (_) @name) @class
(module name: (_) @name) @module_symbol
(assignment left: (constant) @name) @upper
(superclass (_) @base)
(call !receiver method: (identifier) @verb arguments: (argument_list [(constant) (scope_resolution)] @base))
(call !receiver method: (identifier) @verb
  arguments: (argument_list . (string (string_content) @module))) @import
""",
    "php": """
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(trait_declaration name: (_) @name) @trait
(enum_declaration name: (_) @name) @enum
(method_declaration name: (_) @name) @method
(function_definition name: (_) @name) @function
(const_declaration (const_element . (_) @name)) @constant
(base_clause (_) @base)
(class_interface_clause (_) @base)
(use_declaration [(name) (qualified_name)] @base)
(attribute_list) @annotation
(namespace_use_declaration) @import
(require_expression (_) @module) @import
(require_once_expression (_) @module) @import
(include_expression (_) @module) @import
(include_once_expression (_) @module) @import
""",
    "shell": """
(function_definition name: (_) @name) @function
(program (declaration_command (variable_assignment name: (_) @name)) @upper)
(program (variable_assignment name: (_) @name) @upper)
(command name: (command_name) @verb . argument: (_) @module) @import
""",
}
