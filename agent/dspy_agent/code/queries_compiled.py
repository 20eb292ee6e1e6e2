"""Queries of the languages that are compiled ahead; ``queries`` says what their captures mean."""

from __future__ import annotations

_C = """
(function_definition declarator: (_) @name) @function
(declaration declarator: [(function_declarator) (pointer_declarator)] @name) @prototype
(struct_specifier name: (_) @name body: (_)) @struct
(union_specifier name: (_) @name body: (_)) @struct
(enum_specifier name: (_) @name body: (_)) @enum
(type_definition declarator: (_) @name) @type
(type_definition type: (struct_specifier body: (_)) declarator: (type_identifier) @name) @struct
(type_definition type: (union_specifier body: (_)) declarator: (type_identifier) @name) @struct
(type_definition type: (enum_specifier body: (_)) declarator: (type_identifier) @name) @enum
(preproc_function_def name: (_) @name) @macro
(preproc_def name: (_) @name value: (_)) @upper
(preproc_include path: (_) @module) @import
"""
_CPP = (
    _C
    + """
(class_specifier name: (_) @name body: (_)) @class
(namespace_definition name: (_) @name) @scope
(alias_declaration name: (_) @name) @type
(concept_definition name: (_) @name) @type
(field_declaration declarator: [(function_declarator) (pointer_declarator) (reference_declarator)] @name)
  @prototype
(base_class_clause [(type_identifier) (qualified_identifier) (template_type)] @base)
(template_declaration (_) @inner .) @outer
"""
)

COMPILED: dict[str, str] = {
    "c": _C,
    "cpp": _CPP,
    "go": """
(function_declaration name: (_) @name) @function
(method_declaration receiver: (_) @receiver name: (_) @name) @method
(type_spec name: (_) @name type: (struct_type)) @struct
(type_spec name: (_) @name type: (interface_type)) @interface
(type_spec name: (_) @name) @type
(type_alias name: (_) @name) @type
(method_elem name: (_) @name) @method
(source_file (const_declaration (const_spec name: (_) @name) @constant))
(source_file (var_declaration (var_spec name: (_) @name) @constant))
(struct_type (field_declaration_list (field_declaration !name type: (_) @base)))
(interface_type (type_elem . [(type_identifier) (qualified_type) (generic_type)] @base .))
(type_declaration [(type_spec) (type_alias)] @inner) @outer
(source_file (const_declaration (const_spec) @inner) @outer)
(source_file (var_declaration (var_spec) @inner) @outer)
(import_spec path: (_) @module) @import
""",
    "java": """
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(enum_declaration name: (_) @name) @enum
(record_declaration name: (_) @name) @class
(annotation_type_declaration name: (_) @name) @interface
(method_declaration name: (_) @name) @method
(annotation_type_element_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @method
(compact_constructor_declaration name: (_) @name) @method
(field_declaration declarator: (variable_declarator name: (_) @name)) @upper
(constant_declaration declarator: (variable_declarator name: (_) @name)) @upper
(superclass (_) @base)
(super_interfaces (type_list (_) @base))
(extends_interfaces (type_list (_) @base))
(modifiers [(annotation) (marker_annotation)] @annotation)
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
(const_item name: (_) @name) @constant
(static_item name: (_) @name) @constant
(impl_item type: (_) @name) @scope
(impl_item trait: (_) @base)
(trait_item bounds: (trait_bounds [(type_identifier) (scoped_type_identifier) (generic_type)] @base))
(attribute_item) @attribute
(mod_item name: (_) @module !body) @import
(use_declaration argument: (_) @module) @import
""",
    "csharp": """
(class_declaration name: (_) @name) @class
(record_declaration name: (_) @name) @class
(struct_declaration name: (_) @name) @struct
(interface_declaration name: (_) @name) @interface
(enum_declaration name: (_) @name) @enum
(delegate_declaration name: (_) @name) @type
(method_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @method
(property_declaration name: (_) @name) @property
(local_function_statement name: (_) @name) @function
(field_declaration (modifier "const") (variable_declaration (variable_declarator name: (_) @name))) @constant
(field_declaration (modifier "readonly") (variable_declaration (variable_declarator name: (_) @name))) @static
(base_list (_) @base)
(attribute_list) @annotation
(using_directive) @import
""",
    "kotlin": """
(class_declaration name: (_) @name) @class
(object_declaration name: (_) @name) @class
(companion_object name: (_) @name) @class
(function_declaration name: (_) @name) @function
(function_declaration [(user_type) (nullable_type)] @receiver . name: (_) @name) @function
(type_alias type: (_) @name) @type
(property_declaration (modifiers (property_modifier "const")) (variable_declaration . (identifier) @name))
  @constant
(delegation_specifier (_) @base)
(annotation) @annotation
(import) @import
""",
}
